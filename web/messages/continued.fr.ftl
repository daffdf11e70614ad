# Un coffre qui revient d’une copie

from-backup-title = Votre coffre revient d’une copie
from-backup-lead = Le service a perdu une partie de ce qu’il gardait, et a été remis en état à partir d’une copie. Ce qui a été fait dans votre coffre après le { $until } manque : { $missing ->
    [one] un changement.
   *[other] { $missing } changements.
}
from-backup-there = Vos papiers de ce jour-là sont là.
from-backup-given = Vos papiers ne sont plus donnés à personne. Vous donnez à nouveau, à qui vous voulez.
from-backup-ways = Les mots, feuilles, cartes, codes et appareils de ce jour-là ouvrent à nouveau votre coffre, même retirés depuis ; ceux faits depuis ne l’ouvrent plus. Quelqu’un en a un ? Refaites vos clés dès que vous êtes dans le coffre : réglages, « Quelqu’un connaît votre secret ? ».
from-backup-ask = Si vous n’êtes pas au courant, demandez d’abord à la structure qui vous aide. Rien ne change tant que vous ne continuez pas.
from-backup-go = Continuer avec la copie
from-backup-later = Pas maintenant

went-on-title = Votre coffre a continué à partir d’une copie
went-on-lead = Le service a été remis en état à partir d’une copie. Le { $at }, quelqu’un qui peut ouvrir votre coffre a continué avec elle. Ce qui a été fait après le { $until } manque, aussi ce qui a été fait sur cet appareil.
went-on-who = Si ce n’était pas vous, quelqu’un d’autre peut ouvrir votre coffre : refaites vos clés dès que vous êtes dans le coffre, et parlez-en à la structure qui vous aide.
went-on-go = Je le sais, ouvrir
