# What only the structures' page says.

team-gone = { $name } has left the team. What is given from now on has a new key.
member-leaves = Leaves the team
member-leaves-hint = At once, on every device
member-leaves-title = Does { $name } leave the team?
member-leaves-now = At once, this page opens nothing any more for { $name }, on any device.
member-leaves-key = What people give you from now on has a new key. { $name } never gets it.
member-leaves-kept = What { $name } could open before, they may have kept: copies, photos, what they remember, keys.
member-leaves-help = Nobody can take that back. For a paper that matters, its owner can change its key in their safe. They can also take it back.
member-leaves-yes = Yes, out of the team
member-leaves-no = No, stays here
member-me-leaves = I want to leave this team
member-me-ask = Tell { $names }: on their page, under “{ team-title }”, they open your name and choose “{ member-leaves }”.
member-me-alone = You are the only manager. Somebody else must be a manager before you can go.
left-title = You are no longer in this team
left-lead = A manager has taken you out of the team of { $name }.
left-gone = What you had here of { $name } is erased from this device: keys, names, papers. This page opens nothing of theirs any more.
left-yours = Your own safe stays yours. Your words and your sheet open it as before.
left-safe = To my safe
