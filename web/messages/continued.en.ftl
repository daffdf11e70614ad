# A safe that comes back from a copy

from-backup-title = Your safe comes back from a copy
from-backup-lead = The service lost a part of what it kept, and was put back from a copy. What was done in your safe after { $until } is missing: { $missing ->
    [one] one change.
   *[other] { $missing } changes.
}
from-backup-there = Your papers of that day are there.
from-backup-given = Your papers are given to nobody any more. You give again, to whom you want.
from-backup-ways = Words, sheets, cards, PINs and devices of that day open your safe again, also those that you had put out since; those made since do not. Does somebody have one? Make new keys as soon as you are in: settings, “Does somebody know your secret?”.
from-backup-ask = If you do not know of this, ask the structure that helps you first. Nothing changes until you go on.
from-backup-go = Go on with the copy
from-backup-later = Not now

went-on-title = Your safe went on from a copy
went-on-lead = The service was put back from a copy. On { $at }, somebody who has a way into your safe went on with it. What was done after { $until } is missing, also what was done on this device.
went-on-who = If that was not you, somebody else has a way into your safe: make new keys as soon as you are in, and tell the structure that helps you.
went-on-go = I know, open
