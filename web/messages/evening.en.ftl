evening-title = An evening to open safes
evening-lead = For the team. On this tablet, one person after the other opens a safe.
evening-what = Each person chooses a language, opens a safe and leaves with their papers. “Next person” erases everything and goes back to the start.
evening-hours = The evening ends by itself after 8 hours. You can end it before.
evening-counts = The tablet counts the safes that were opened, without any name. That number is gone at the end.
evening-printer = No printer? The letters of the card and of the sheet can be copied by hand.
evening-yours = Do not open your own account in this browser: all that it keeps of this site is erased between two people.
evening-begin = Start the evening
evening-running = The evening is under way
evening-until = It ends by itself at { $time }.
evening-count = { $count ->
    [0] No safe opened this evening
    [one] { $count } safe opened this evening
   *[other] { $count } safes opened this evening
  }
evening-team = For the team
evening-end-lead = Write this number down if you need it: it is gone with the evening.
evening-end = End the evening
evening-next = Next person
evening-sure = This person stops here? What is not finished will be lost.
evening-no = No, go on
evening-yes = Yes, erase everything
evening-done-title = Done
evening-done-lead = Your safe is open. It is yours.
evening-done-papers = Take your papers with you. Look on the table and in the printer too.
evening-done-gone = “Next person” erases everything: nothing of yours stays on this tablet.
