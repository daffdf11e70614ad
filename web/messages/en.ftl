# English. Plain words, short sentences.

page-title = Reconnect
home = Back to the start
back = Back
next = Continue
step = Step { $at } of { $of }
loading = One moment…
busy = One moment…
try-again = Try again
print = Print
copied = Copied.
copy-failed = It could not be copied. Select the text by hand.
keep-it = No, keep it
untitled = No name
tabs = Menu
tab-safe = My safe
tab-who = Who sees what
tab-trace = History
tab-settings = Settings
to-safe = See my safe

exit = Leave fast
exit-note-kiosk = “Leave fast” closes everything and goes back to the first screen. Pressing Shift three times does the same.
exit-note = “Leave fast” closes everything and shows a weather site. Pressing Shift three times does the same. But the browser’s own history is not erased: we cannot do that.

lock-soon = Your safe is about to close.
lock-seconds = { $seconds ->
    [one] { $seconds } second left.
   *[other] { $seconds } seconds left.
}
lock-stay = I am here
wipe-soon = The words on this screen are about to be wiped.

# The door
language-title = Choose your language
missing-title = This browser cannot be used
broken-title = The page could not start
missing-list = What is missing:
welcome-title = Your papers, safe
welcome-lead = A safe for your papers. Only you have the key. Not even we can read them.
welcome-come = Come into my safe
welcome-come-hint = With your card, your words or your sheet
welcome-open = Open a safe
welcome-open-hint = No phone, no e-mail, no ID needed
welcome-language = Change language
welcome-invited = You have been invited to a team. Come in, or open your access: the invitation waits for you here. Do not close this page.
outside-locked = Your safe is closed.
outside-idle = Your safe closed by itself: nobody touched the screen.
outside-hidden = Your safe closed by itself: the page was hidden for a long time.
outside-reload = The page was loaded again, so your safe closed.
outside-signed_out = You have signed out. Your safe is closed.
outside-session_ended = Your safe was closed, perhaps from another device.
outside-closed = Your safe is closed for good. Everything was erased.
outside-wiped = This screen emptied itself: nobody touched it. If you were opening a safe, start again: other words will be drawn.
outside-why = The key is kept in this page’s memory only. Come in again: your papers are still there.

# Opening a safe
open-title = Open a safe
open-drawing = Your device is making your keys…
open-making = We are opening your safe…
open-how-title = How will you come back?
open-how-lead = Choose one way. A second one comes after it.
open-how-card = With a card
open-how-card-hint = Printed here, with a picture and a PIN
open-how-words = With six words
open-how-words-hint = You write them on paper
open-second-title = A second way
open-second-lead = If you lose the card, or forget its PIN.
open-second-sheet = A recovery sheet
open-second-sheet-hint = Kept somewhere safe, away from the card
open-handle-title = This is the name of your safe
open-handle-lead = Write it on paper. It says nothing about you.
open-handle-why = You will need it to come in, with the six words on the next page.
open-handle-next = I wrote it down
open-words-title = These are your six words
open-words-lead = They are your key. Write them down in order.
open-words-care = Do not show them to anyone. Whoever has these words can come in. We do not know them and cannot tell you them again.
open-words-next = I wrote them down
open-check-title = Let’s check together
open-check-lead = Look at your paper and write these two words.
open-check-word = Word number { $number }
open-check-wrong = This is not word number { $number }. It does not matter: look at your paper and try again.
open-check-again = See the words again
keep-title = Is this device yours alone?
keep-lead = If other people use it, nothing must stay on it.
keep-yes = Yes, it is mine
keep-yes-hint = The name of your safe stays here. You will need your words, a card or a PIN to come in.
keep-no = No, it is lent or shared
keep-no-hint = Nothing stays on this device. When you leave, the page starts again from the beginning.
keep-refused = This browser refuses to keep anything. Do as on a shared device.
kiosk-lead = This computer is shared. Nothing stays on it.

# The recovery sheet
sheet-own-title = Your recovery sheet
sheet-own-lead = If you lose your words, this sheet opens your safe. Print it, or copy all the letters.
sheet-own-where = Keep it somewhere safe: with someone you trust, or in a structure’s locker. Not with your six words.
sheet-own-care = Whoever finds this sheet can come in. We keep no copy of it.
sheet-next = I have it on paper
sheet-check-title = Let’s check the sheet
sheet-check-lead = Look at the sheet, on paper.
sheet-check-letters = The last 4 letters of the sheet
sheet-check-wrong = These are not the last 4 letters. Look at the end of the last line and try again.
sheet-check-again = See the sheet again
sheet-paper-own-title = Recovery sheet
sheet-paper-own = Keep it somewhere safe. It opens what is closed.
sheet-paper-qr = Square to read with a camera
sheet-paper-letters = Letters of the sheet
sheet-paper-own-finder = Whoever has this sheet can come in. Do not show it.
words-paper = Your six words
words-paper-handle = Name:

# Coming in
come-title = Come in
come-lead = What do you have with you?
come-words = My six words
come-words-hint = With the name of my safe
come-sheet = My recovery sheet
come-sheet-hint = Letters, or a square to scan
come-handle = Name of your safe
come-handle-hint = Two words and a number
come-six = Your six words
come-six-hint = In order. Capital or small letters are the same.
come-word = Word
come-fill = Write the name of the safe and the six words.
come-letters = The letters on the paper
come-letters-hint = All the letters, in order. Spaces do not matter.
come-sheet-fill = Write the letters of the sheet.
come-here = My PIN
come-here-hint = This device knows your safe
come-card = My card
come-card-hint = With its PIN
come-card-fill = Write the letters of the card, or scan it.
come-passkey = This device’s key
come-passkey-hint = Finger, face or the code of the device
come-phone = With my phone
come-phone-hint = Your safe is open on your phone: it lets you in here
come-nothing = I have nothing left
come-nothing-hint = People whom I chose help me come back
come-pin = Your PIN
come-pin-here = Six digits.
come-pin-card = The six digits of this card.
come-otherwise = Come in another way
pin-typed = { $count } of 6 digits
pin-remove = Remove the last digit
come-in = Come in
come-opening = We are opening your safe. It can take a few seconds…
scan-start = Scan the square
scan-type = Write the letters
scan-hold = Hold the square in front of the camera.
scan-refused = The camera does not answer or is not allowed. Write the letters instead.

# The safe
safe-wrong-pins = { $count ->
    [one] Before you came in, { $count } wrong PIN was typed. If it was not you, cancel that card or device under Settings.
   *[other] Before you came in, { $count } wrong PINs were typed. If it was not you, cancel that card or device under Settings.
  }
safe-title = My safe
safe-count = { $count ->
    [one] { $count } paper. You alone decide who can see it.
   *[other] { $count } papers. You alone decide who can see them.
}
safe-empty = Your safe is empty.
safe-empty-why = What you put in it is locked on this device, before it leaves. Nobody else can read it.
safe-add = Add a paper
safe-give = Give papers to a structure
safe-safe = Everything is safe.
safe-sent = Sent. Safe soon.
safe-unchecked = We could not check that your safe is shown as it is today. You can read your papers. To give, wait a little.
copied-device = Careful: somebody else signed with the key of this device.
copied-device-do = This device was copied, or somebody used it. On another device, come in with your words, remove this one under “My devices”, then look at the history. Talk to the structure that helps you.
evidence-title = This service has shown two different books.
evidence-what = There must be one book for everybody. Perhaps somebody is shown what others are not. Save this file and show it to somebody you trust. It says nothing about you or your papers.
evidence-save = Save the file
evidence-name = proof-two-books.json
evidence-away = I have saved it: put it away
safe-room = { $used } of { $limit }
stale = This list is from { $when }. The service cannot be reached now.
stale-unknown = The service cannot be reached now, so we cannot say who sees your papers.
safe-draft = “{ $title }” has not arrived in the safe yet. It is protected on this device.
safe-draft-look = Finish
paper-only-me = Only you
paper-seen-by = { $count ->
    [one] Seen by { $count } structure
   *[other] Seen by { $count } structures
}
task-running = “{ $title }” is on its way into your safe…
task-done = “{ $title }” is put away.
task-stop = Stop
task-stopped = “{ $title }” was stopped. Nothing of it was put into your safe.

# Adding
add-title = Add a paper
add-private = The place and the device, hidden in photos, are erased. Then everything is locked, here, on this device.
add-limit = Up to { $limit } a file.
add-looking = We are preparing your paper…
add-refused-title = This file could not go in
add-next-file = Go on to the next
add-other = Choose another file
add-sending-title = Your papers are on their way
add-sending-lead = You can go on meanwhile.
add-sent-title = All done
add-not-all-title = Not everything went in
add-to-safe = See my safe
add-another = Add another paper
pick-camera = Take a photo
pick-camera-hint = Lay the paper flat, in good light
pick-files = Choose files
pick-file = Choose a file
pick-files-hint = Photos, PDF, or other
pick-drop = Or drop your files here
title-question = What is it?
title-label = Name of the paper
title-left = { $count ->
    [one] { $count } file left after this one.
   *[other] { $count } files left after this one.
}
title-usual = Or tap a name:
title-empty = Give this paper a name, to find it again.
title-put = Put in my safe
title-skip = Do not add it
usual-identity = Identity card
usual-permit = Residence permit
usual-passport = Passport
usual-health = Health card
usual-benefit = Benefit certificate
usual-housing = Postal address certificate
usual-bank = Bank details
usual-family = Family record book
usual-work = Work contract
usual-photo = Photo

# One paper
gone-title = Not found
gone-taken-back = This was taken back
gone-taken-back-what = It was here before. Now it is no longer given to you, and it cannot be opened.
paper-damaged-title = Paper that does not open
paper-look = Look at it
paper-save = Download
paper-saved = “{ $name }” is now in this device’s downloads. There, anyone can open it.
paper-added = Added on { $day }
paper-pages = { $count ->
    [one] { $count } page
   *[other] { $count } pages
}
paper-give = Give to a structure
paper-give-hint = Until a day that you choose
paper-rename = Change the name
paper-replace = Put a new version
paper-replace-hint = A clearer photo, a newer paper
paper-rekey = Change the key
paper-rekey-hint = When somebody may have kept the old one
paper-remove = Delete
seers-title = Who can see it?
seers-none = Only you.
seers-change = See or take back
look-opening = We are opening this paper…
look-other = This paper cannot be shown here. You can download it from its page.
look-smaller = Smaller
look-larger = Larger
look-frame = The paper
look-page = Page { $page } of { $pages }
look-page-label = { $title }, page { $page } of { $pages }
look-previous = Page before
look-next = Next page
rename-title = Change the name
rename-do = Change the name
replace-title = Put a new version
replace-seen = { $count ->
    [one] { $count } structure can see this paper. It will see the new version too.
   *[other] { $count } structures can see this paper. They will see the new version too.
}
rekey-title = Change the key of this paper?
rekey-when = This helps when somebody who could open this paper may have kept its key: a computer that was not yours, a person who left a structure, somebody you took it back from.
rekey-what = Your device locks the paper again with a new key. The old copy is erased. The old key opens nothing any more.
rekey-cannot = It cannot undo what was seen. Whoever opened this paper may have kept a copy or a photo of it.
rekey-seen = { $count ->
    [one] { $count } structure can see this paper. It still can afterwards. If you do not want that, take the paper back first.
   *[other] { $count } structures can see this paper. They still can afterwards. If you do not want that, take the paper back first.
}
rekey-yes = Change the key
rekey-no = Leave it as it is
remove-title = Delete this paper?
remove-what = It disappears from your safe, for good. Nobody will be able to find it again.
remove-seen = A structure could see it. It will no longer be able to open it. But what was seen was seen.
remove-yes = Yes, delete
draft-title = This paper has not arrived yet
draft-what = It is locked on this device. Send it to your safe, or let it go.
draft-send = Send to my safe
draft-drop = Do not keep it
draft-drop-title = Erase this paper from the device?
draft-drop-yes = Yes, erase

# Giving
give-who-title = Whom do you want to give to?
give-who-known = You know already
give-who-compared = { $place } · compared at the desk
give-who-introduced = { $place } · introduced by { $name }
give-who-search = Look for a structure
give-who-hint = Its name or its town
give-who-find = Search
give-who-none = No structure found. Try another word, or ask for the exact name at the desk.
compare-title = Is it really { $name }?
compare-lead = Look at the code shown at the structure’s desk. Scan the square, or write the 20 letters.
compare-code = Code of the structure
compare-code-hint = 20 letters and digits, in groups of 4
compare-typed = What you wrote
compare-do = Compare
compare-why = Why? A name can be copied. This code cannot. If it is the same, your papers will go to this structure and to nobody else. You do this only once.
introduced-by = “{ $by }” introduces “{ $name }” ({ $place }).
introduced-what = You have compared the code of “{ $name }”. Its people say that they have compared the code of this place. That is less sure than comparing it yourself.
introduced-take = Trust this introduction
compared-title = Yes, this is the one
compared-what = { $count ->
    [one] The code is right. { $count } person works there and will be able to open what you give.
   *[other] The code is right. { $count } people work there and will be able to open what you give.
}
compared-next = Choose the papers
which-title = Which papers?
which-lead = Tick what you give. The rest stays hidden.
which-empty = Your safe is empty. Add a paper first.
which-next = { $count ->
    [0] Tick a paper
    [one] Go on with { $count } paper
   *[other] Go on with { $count } papers
}
until-title = Until when?
until-lead = After that day, the structure can no longer open it. You can take it back before.
until-day = One day
until-week = One week
until-month = One month
until-quarter = Three months
until-own = Another day
until-no-day = This day does not exist. Check the three numbers.
until-past = This day is already past.
date-day = Day
date-month = Month
date-year = Year
why-title = A word for the structure?
why-lead = You can leave it empty.
why-signed = How they know you
why-signed-hint = A first name, a file number…
why-purpose = Why you give these papers
why-purpose-hint = For example: housing request
confirm-title = Do you give this?
confirm-to = To
confirm-known = How you know it
confirm-compared = Code compared at the desk
confirm-introduced = Introduced by “{ $name }”, code not compared
confirm-until = Until
confirm-as = Signed
confirm-why = For
confirm-note = New versions of these papers will be seen too. You can take them back at any time.
confirm-yes = Yes, give
confirm-no = No, go back
done-title = It is given
done-what = { $count ->
    [one] { $name } can see { $count } paper until { $day }.
   *[other] { $name } can see { $count } papers until { $day }.
}
done-back = You will see who opens it and when. You can take it back whenever you want.
done-who = Who sees what

# Who can see what, and taking back
who-title = Who sees what
who-lead = You can take it back at any time.
who-none = Nobody. Only you see your papers.
who-past = Before
grant-until = Until { $day }
grant-renewed = Given on { $from }. New key on { $day }, because somebody left there.
grant-ended = Ended on { $day }
grant-closed = This place has closed. Nobody there can open it any more.
grant-taken_back = You took it back. (It was given until { $day }.)
grant-opened = { $count ->
    [one] Opened { $count } time, on { $when }
   *[other] Opened { $count } times, last on { $when }
}
grant-unopened = Not opened yet
take-back = Take back
taken-title = It is taken back
taken-now = From now on, this structure can no longer open these papers.
taken-unseen = Nobody had opened them.
taken-seen = Before that, this had been opened:
taken-honest = What was seen was seen. A copy may have been made.
opened-by = { $name }, worker number { $number }, on { $when }

# What happened
trace-title = History
trace-lead = Everything that happened with your safe.
trace-a-paper = a paper
trace-quoted = “{ $title }”
trace-opened_safe = You opened your safe.
trace-added = You added { $title }.
trace-renamed = You changed a name: { $title }.
trace-replaced = You put a new version of { $title }, or changed its key.
trace-accepted = You took { $title } into your safe. Somebody had sent it to you.
trace-refused = You refused a paper that somebody had sent you.
trace-removed = You deleted { $title }.
trace-given = You gave { $title } to { $name }, until { $day }.
trace-renewed = What you gave to { $name } has a new key, because somebody left there.
trace-rewrapped = { $name } changed its key, because somebody left there. Nobody looked at your papers for that.
trace-listed = { $name } (worker { $number }) looked at the list of what you gave.
trace-seen = { $name } (worker { $number }) opened { $title }.
trace-taken_back = You took back what you had given to { $name }.
trace-ended = The time is over: { $name } can no longer open what you had given.
trace-device_added = { $here ->
    [yes] This device came into your safe.
   *[no] Another device came into your safe.
}
trace-device_retired = { $here ->
    [yes] This device was removed.
   *[no] Another device was removed.
}
trace-lock_set = A way to come in was added.
trace-lock_retired = A way to come in was removed.
trace-new_generation = Everything that opens your safe was made new.
trace-guardians_named = You chose who can bring you back.
trace-return_begun = Somebody wanted to open your safe with the help of those whom you chose.
trace-return_stopped = One of your devices stopped somebody who wanted to open your safe.
trace-brought_back = Those whom you chose brought somebody back. Everything that opens your safe was made new.
trace-went_on = Your safe went on from a copy of the service. What was done after the copy is missing, and nobody saw anything any more.

# Settings
settings-title = Settings
settings-handle = Name of your safe:
settings-word = One operator’s word: nobody but the service confirms that your safe is shown as it is, or that an end day has passed.
settings-lock = Close now
settings-lock-hint = You will need your words to come back
settings-leave = Sign out
settings-leave-hint = From this device, or from everywhere
settings-language = Language
settings-ways = Getting back into my safe
settings-devices = My devices
settings-away = Take everything away
settings-away-hint = All your papers in one file
settings-close = Close my safe for good
devices-title = My devices
devices-lead = The devices that came into your safe.
devices-this = This device
devices-other = Another device
devices-since = Since { $day }
devices-retire = Remove this device
devices-retire-title = Remove this device?
devices-retire-what = It closes at once, and its PIN with it. It can come in again only with another of your ways in.
devices-retire-work = If you work in a structure, this device reads nothing there any more either.
devices-retire-yes = Yes, remove
devices-lost = A device lost or stolen? Remove it here, or sign out from everywhere. If you made a key (finger, face) on it, cancel that too, under “Getting back into your safe”.
away-title = Take everything away
away-lead = All your papers, as you put them in, and a list. In one file.
away-care = This file is not locked. Whoever has it can read everything. Do not leave it on a shared device.
away-do = Prepare the file
away-busy = We are gathering your papers…
away-done = The file is in this device’s downloads.
away-name = my papers
leave-title = Sign out
leave-lead = Your papers stay in your safe. You will need one of your ways in to come back.
leave-here = Sign out of this device
leave-here-hint = The name of your safe and a PIN that you set stay, and only if this device is yours alone
leave-everywhere = Sign out everywhere
leave-everywhere-hint = All your devices are closed, this one too, and their PINs. Keys (finger, face) still open: cancel those one by one
close-title = Close for good
close-lead = Is this really what you want?
close-what = All your papers will be erased. Nobody can bring them back: not you, not us.
close-first = Do you want to take everything away first?
close-next = I want to close my safe
close-no = No, I keep it
close-sure-title = Last question
close-type = To close, write this word:
close-word = close
close-yes = Close for good

# When something does not go as it should: what to do next, and that nothing is lost.
error-wait-seconds = { $seconds ->
    [one] Try again in { $seconds } second.
   *[other] Try again in { $seconds } seconds.
}
error-wait-minutes = { $minutes ->
    [one] Try again in { $minutes } minute.
   *[other] Try again in { $minutes } minutes.
}
error-wrong_words_or_handle = The name of the safe and the words do not go together. Look at your paper, word by word, and try again. Your papers are protected.
error-words_misread = Word number { $place } is not in our list. Look closely at how it is written.
error-wrong_clock = The date of this device is wrong. Nothing is lost. Correct the date in its settings, then try again.
error-unlock_over = That took too long. Nothing is lost. Try once more.
error-wrong_held = This opens no safe. Check what you typed or held up. A newer one may have replaced it, or it was cancelled.
error-sheet_misread = A letter is wrong or missing. Read the paper again, group by group.
error-passkey_stopped = The device did not give its key. Try again, or come in another way.
error-passkey_fails = This device cannot use its key here. Come in another way.
error-passkey_no_secret = The key of this device cannot open safes. Nothing was changed: use a card, words or a sheet. You can delete that key in the settings of the device.
error-pin_spent = This card or device opens nothing any more: too many wrong PINs. Use another way in, then make a new one. Your papers are protected.
error-wrong_pin = { $left ->
    [0] The PIN is wrong. No try is left: this one opens nothing any more. Use another way in.
    [one] The PIN is wrong. { $left } try is left.
   *[other] The PIN is wrong. { $left } tries are left.
  }
error-pin_misread = A PIN has six digits.
error-pin_too_plain = Others guess this PIN first: a date, a row, or the same digits again. Choose another.
error-needs_pin = This is a card. It opens the safe together with its PIN.
error-wrong_paper = These letters are not those of this structure's sheet.
error-bad_share = What helper number { $number } keeps does not fit this safe. Nothing is lost. Show the square to somebody else whom you had chosen.
error-return_over = This return is over, or another one is on its way already. Nothing is lost.
error-return_strict = This return cannot be stopped from here: another one was a short while ago. Go quickly to one of those you chose.
error-too_many_tries = Too many tries for now. Your papers are protected. Your recovery sheet still works.
error-too_many_requests = Many people are here at the moment. Nothing is lost. Wait a little.
error-offline = No internet. Nothing is lost. Try again when it is back.
error-server_down = The service does not answer. Nothing is lost. Try again in a few minutes.
error-undecodable = The service answers with something that this page does not know. Nothing is lost. Load the page again. If you see this again, talk to the structure that helps you.
error-damaged = This paper does not open: it is damaged, or somebody closed it with other keys. The rest of your safe is fine. If you still have the original, add it again.
error-not_found = What you are looking for is no longer here. It was deleted, taken back, or its time is over.
error-file_too_large = This file is too large: the limit is { $limit }. Nothing was sent. Try a smaller photo.
error-file_unreadable = We cannot read this file. Try to take a photo of it, or save it as JPEG or PDF.
error-pdf_has_password = This PDF has its own password. We cannot show it here. Download it to open it.
error-storage_full = The service has no room left. Nothing is lost, and your papers can still be read. Try again later.
error-too_many_things = Your safe holds as many of these as it can. Delete a paper that you no longer need, or take something back, then try again.
error-quota_full = Your safe is full. Delete a paper that you no longer need, then try again.
error-fork = Careful: the service does not show everybody the same thing. We stop here, to protect you. Talk to the structure that helps you.
error-rollback = Careful: the service shows an old state of your safe. We do not touch it, to protect you. Talk to the structure that helps you.
error-from_backup = Your safe comes back from a copy. Come in with words, a card, the sheet or a passkey: you are told what is missing. Nobody can come back through others before that.
error-put_out = This device was put out of your safe, before the service went back to a copy. Come in with words, a card or the sheet.
error-went_on = Your safe went on from a copy, and this device remembers what is missing. Come in here with words, a card or the sheet, or on another device.
error-other_chain = Careful: this is not the structure that you knew. Give nothing. Go to its desk and talk about it.
error-code_misread = A letter of the code is wrong or missing. Read it again, group by group.
error-code_differs = This is not the code of this structure. Read it again, group by group. If it is written correctly, stop here and ask at the desk.
error-structure_not_accepted = The service has not accepted this structure yet. You can give it papers later.
error-not_a_member = You are no longer in this team. Ask the manager.
error-invitation_used = This link was used already. Ask the manager for another one.
error-invitation_ended = This link is no longer valid: it lasted one day. Ask the manager for another one.
error-link_misread = This is not the square of a computer. Point at the square on the computer’s screen.
error-link_taken = Somebody else has answered this computer. Put nothing into it: have it show another square, and start again.
error-invitation_misread = This link is not complete. Copy all of it and open it again.
error-grant_ended = You no longer have access to this paper: the person took it back, or the time is over.
error-taken_back = This was taken back: it was here before, and it can no longer be opened.
error-handle_taken = This name of a safe is already taken. Start again: another name will be drawn.
error-session_ended = Your safe was closed, perhaps from another device. Come in again. Nothing is lost.
error-address_misread = This is not the square or the text of a person’s safe. Ask them to show it again on their screen.
error-other_log = This square does not fit this service: another service made it, or this service shows another book than when it was made. Nothing was done. Type the letters instead, and tell the structure that helps you.
error-conflict = Another of your devices changed the same thing at the same time. Nothing is lost. Try again.
error-stale = Your safe changed in the meantime. Nothing is lost. Try again.
error-unsupported_browser = This browser is too old to lock your papers. Update it, or try Firefox, Chrome or Safari. Nothing was sent.
error-newer_version = There is a newer version of this page. Load the page again. Nothing is lost.
error-bad_request = The service did not understand this request. Nothing is lost. Load the page again and try once more.
error-not_compared = First compare the code of this structure, at its desk.
error-not_introduced = No place that you know introduces this one any more. Compare its code, at its desk.
error-needs_own_device = This works only on a device that is yours alone. Come in again and say that this device is yours.
error-remembers_another = This device already opens another safe with a PIN. Nothing was changed. If it opens yours instead, the other safe stays as it is: its person comes in with a card, words or the sheet.
error-forged = Careful: what the service sent is not signed as it should be. We do not use it, to protect you. Talk to the structure that helps you.
error-withheld = Careful: the service does not show everything, it hides what is newer. We stop here, to protect you. Nothing is lost. Talk to the structure that helps you.
error-shown_taken_back = Careful: this was taken back, and the service still shows it. We do not open it. Talk to whoever runs the service.
error-old_version = Careful: the service showed an old version of this paper and hides the newer one. We do not open it. Nothing is lost. Talk to whoever runs the service.
error-retired_device = Careful: this was signed by a device that its owner had removed. We do not open it. Ask the owner, or talk to whoever runs the service.
error-log_forked = Careful: the public log of the service is no longer the one that this device has seen. We stop here, to protect you. Nothing is lost. Talk to the structure that helps you.
error-log_forged = Careful: the public log of the service is not signed as it should be. We stop here, to protect you. Nothing is lost. Talk to the structure that helps you.
error-log_unanswered = We could not check the public log. Nothing was given, nothing is lost. Try again later.
error-log_witnesses = The witnesses have not confirmed the public log yet. Nothing was given, nothing is lost. Try again in a few minutes.
error-log_stale = The public log is more than a day old. Nothing was given, nothing is lost. See whether the date of this device is right, then try again later.
error-log_ahead = The date of this device is behind. Nothing was given, nothing is lost. Correct the date, then try again.
error-log_behind = Something has just changed, and the public log does not show it yet. Nothing was given, nothing is lost. Try again in a minute.
error-refused = The service refused this request. Nothing is lost. Load the page again and try once more.
error-unavailable = The service has too much to do at the moment. Nothing is lost. Try again in a few minutes.
error-method_not_allowed = The service did not understand this request. Nothing is lost. Load the page again and try once more.
error-internal = Something did not work. Nothing is lost. Try again; if it happens again, load the page again.
error-close_word = This is not the word that was asked for. Your safe has not changed.

# Papers of others
safe-inbox = Receive a paper
safe-inbox-waits = { $count ->
    [one] { $count } paper from somebody waits for you.
   *[other] { $count } papers from others wait for you.
}
safe-inbox-look = Look
inbox-title = Papers from others
inbox-lead = They are not in your safe. You decide.
inbox-none = Nothing waits.
inbox-from = From { $name } (so they say), person { $number } of { $structure }
inbox-compared = Code compared at the desk.
inbox-not-compared = Code never compared.
inbox-until = Waits until { $day }, then it is erased.
inbox-open = Look at it
inbox-apart = { $count ->
    [one] { $count } thing that could not be trusted
   *[other] { $count } things that could not be trusted
}
inbox-apart-what = Nothing of it was opened. You need to do nothing.
inbox-apart-forged = Nobody of that structure signed this.
inbox-apart-unproven = What the service shows of that structure is not right: nobody can tell who signed this.
inbox-apart-left = Whoever signed this is not at that structure any more.
inbox-apart-misdirected = This was sealed for somebody else.
inbox-apart-replayed = You took or refused this before.
inbox-apart-damaged = This does not open.
inbox-away = Put away
inbox-address = To receive a paper
inbox-address-what = Show this to the person who wants to give you a paper. They can send you papers with it. They see nothing of your safe.
inbox-copy = Copy the text
deposit-compared = You have compared the code of “{ $structure }” ({ $place }) at its desk.
deposit-not-compared = You have never compared the code of “{ $structure }” ({ $place }). If you do not know these people, refuse.
deposit-take = Take it into my safe
deposit-refuse = Refuse
deposit-refuse-what = Whoever sent it is not told that you refused.
