# French, the source of every other language. Plain words, short sentences, "vous".
# The person's things are "papiers", kept in a "coffre"; who works in a structure is a "collègue".

page-title = Reconnect
home = Retour à l’accueil
back = Retour
next = Continuer
step = Étape { $at } sur { $of }
loading = Un instant…
busy = Un instant…
try-again = Réessayer
print = Imprimer
copied = C’est copié.
copy-failed = La copie n’a pas marché. Sélectionnez le texte à la main.
keep-it = Non, le garder
untitled = Sans nom
tabs = Menu
tab-safe = Mon coffre
tab-who = Qui voit quoi
tab-trace = Historique
tab-settings = Réglages
to-safe = Voir mon coffre

exit = Quitter vite
exit-note-kiosk = « Quitter vite » ferme tout et revient au premier écran. Trois fois la touche Maj fait pareil.
exit-note = « Quitter vite » ferme tout et montre un site de météo. Trois fois la touche Maj fait pareil. Mais l’historique du navigateur, lui, n’est pas effacé : nous ne pouvons pas le faire.

lock-soon = Votre coffre va se fermer.
lock-seconds = { $seconds ->
    [one] Encore { $seconds } seconde.
   *[other] Encore { $seconds } secondes.
}
lock-stay = Je suis là
wipe-soon = Les mots de cet écran vont être effacés.

# The door
language-title = Choisissez votre langue
missing-title = Ce navigateur ne convient pas
broken-title = La page n’a pas pu démarrer
missing-list = Il manque :
welcome-title = Vos papiers, à l’abri
welcome-lead = Un coffre pour vos papiers. Vous seul avez la clé. Même nous, nous ne pouvons pas lire.
welcome-come = Entrer dans mon coffre
welcome-come-hint = Avec votre carte, vos mots ou votre feuille
welcome-open = Ouvrir un coffre
welcome-open-hint = Sans téléphone, sans e-mail, sans papiers
welcome-language = Changer de langue
welcome-invited = On vous a invité dans une équipe. Entrez, ou ouvrez votre accès : l’invitation vous attend ici. Ne fermez pas cette page.
outside-locked = Votre coffre est fermé.
outside-idle = Votre coffre s’est fermé tout seul : personne n’a touché l’écran.
outside-hidden = Votre coffre s’est fermé tout seul : la page est restée cachée longtemps.
outside-reload = La page a été rechargée. Votre coffre s’est donc fermé.
outside-signed_out = Vous êtes sorti. Votre coffre est fermé.
outside-session_ended = Votre coffre a été fermé, peut-être depuis un autre appareil.
outside-closed = Votre coffre est fermé pour toujours. Tout a été effacé.
outside-wiped = Cet écran s’est vidé tout seul : personne n’y touchait. Si vous ouvriez un coffre, recommencez : d’autres mots seront tirés.
outside-why = La clé n’est gardée que dans la mémoire de cette page. Entrez à nouveau : vos papiers sont toujours là.

# Opening a safe
open-title = Ouvrir un coffre
open-drawing = Votre appareil fabrique vos clés…
open-making = Nous ouvrons votre coffre…
open-how-title = Comment reviendrez-vous ?
open-how-lead = Choisissez un moyen. Un deuxième vient après.
open-how-card = Avec une carte
open-how-card-hint = Imprimée ici, avec une image et un code
open-how-words = Avec six mots
open-how-words-hint = Vous les écrivez sur un papier
open-second-title = Un deuxième moyen
open-second-lead = Si vous perdez la carte, ou oubliez son code.
open-second-sheet = Une feuille de secours
open-second-sheet-hint = Gardée en lieu sûr, loin de la carte
open-handle-title = Voici le nom de votre coffre
open-handle-lead = Écrivez-le sur un papier. Il ne dit rien sur vous.
open-handle-why = Vous en aurez besoin pour entrer, avec les six mots de la page suivante.
open-handle-next = C’est écrit
open-words-title = Voici vos six mots
open-words-lead = C’est votre clé. Écrivez-les dans l’ordre.
open-words-care = Ne les montrez à personne. Qui a ces mots peut entrer. Nous ne les connaissons pas et nous ne pourrons pas vous les redire.
open-words-next = C’est écrit
open-check-title = Vérifions ensemble
open-check-lead = Regardez votre papier et écrivez ces deux mots.
open-check-word = Mot numéro { $number }
open-check-wrong = Ce n’est pas le mot numéro { $number }. Ce n’est pas grave : regardez votre papier et essayez encore.
open-check-again = Revoir les mots
keep-title = Cet appareil est‑il à vous seul ?
keep-lead = Si d’autres personnes s’en servent, rien ne doit y rester.
keep-yes = Oui, il est à moi
keep-yes-hint = Le nom du coffre reste ici. Il faudra vos mots, une carte ou un code pour entrer.
keep-no = Non, il est prêté ou partagé
keep-no-hint = Rien ne reste sur cet appareil. Quand vous partez, la page recommence au début.
keep-refused = Ce navigateur ne veut rien garder. Faites comme sur un appareil partagé.
kiosk-lead = Cet ordinateur est partagé. Rien n’y reste.

# The recovery sheet
sheet-own-title = Votre feuille de secours
sheet-own-lead = Si vous perdez vos mots, cette feuille ouvre votre coffre. Imprimez-la, ou recopiez toutes les lettres.
sheet-own-where = Gardez-la dans un endroit sûr : chez quelqu’un de confiance, ou dans le coffre d’une structure. Pas avec vos six mots.
sheet-own-care = Qui trouve cette feuille peut entrer. Nous n’en gardons pas de copie.
sheet-next = Je l’ai sur papier
sheet-check-title = Vérifions la feuille
sheet-check-lead = Regardez la feuille, sur papier.
sheet-check-letters = Les 4 dernières lettres de la feuille
sheet-check-wrong = Ce ne sont pas les 4 dernières lettres. Regardez la fin de la dernière ligne et essayez encore.
sheet-check-again = Revoir la feuille
sheet-paper-own-title = Feuille de secours
sheet-paper-own = À garder en lieu sûr. Elle ouvre ce qui est fermé.
sheet-paper-qr = Carré à lire avec un appareil photo
sheet-paper-letters = Lettres de la feuille
sheet-paper-own-finder = Qui a cette feuille peut entrer. Ne la montrez pas.
words-paper = Vos six mots
words-paper-handle = Nom :

# Coming in
come-title = Entrer
come-lead = Qu’avez-vous avec vous ?
come-words = Mes six mots
come-words-hint = Avec le nom de mon coffre
come-sheet = Ma feuille de secours
come-sheet-hint = Lettres ou carré à scanner
come-handle = Nom de votre coffre
come-handle-hint = Deux mots et un nombre
come-six = Vos six mots
come-six-hint = Dans l’ordre. Majuscules ou minuscules, c’est pareil.
come-word = Mot
come-fill = Écrivez le nom du coffre et les six mots.
come-letters = Les lettres sur le papier
come-letters-hint = Toutes les lettres, dans l’ordre. Les espaces ne comptent pas.
come-sheet-fill = Écrivez les lettres de la feuille.
come-here = Mon code
come-here-hint = Cet appareil connaît votre coffre
come-card = Ma carte
come-card-hint = Avec son code
come-card-fill = Écrivez les lettres de la carte, ou scannez-la.
come-passkey = La clé de cet appareil
come-passkey-hint = Doigt, visage ou code de l’appareil
come-phone = Avec mon téléphone
come-phone-hint = Votre coffre est ouvert sur votre téléphone : il vous fait entrer ici
come-nothing = Je n’ai plus rien
come-nothing-hint = Des gens que j’ai choisis m’aident à revenir
come-pin = Votre code
come-pin-here = Six chiffres.
come-pin-card = Les six chiffres de cette carte.
come-otherwise = Entrer autrement
pin-typed = { $count } chiffres sur 6
pin-remove = Effacer le dernier chiffre
come-in = Entrer
come-opening = Nous ouvrons votre coffre. Cela peut prendre quelques secondes…
scan-start = Scanner le carré
scan-type = Écrire les lettres
scan-hold = Tenez le carré devant l’appareil photo.
scan-refused = L’appareil photo ne répond pas ou n’est pas permis. Écrivez plutôt les lettres.

# The safe
safe-wrong-pins = { $count ->
    [one] Avant votre entrée, { $count } mauvais code a été tapé. Si ce n’était pas vous, annulez cette carte ou cet appareil dans les réglages.
   *[other] Avant votre entrée, { $count } mauvais codes ont été tapés. Si ce n’était pas vous, annulez cette carte ou cet appareil dans les réglages.
  }
safe-title = Mon coffre
safe-count = { $count ->
    [one] { $count } papier. Vous seul décidez qui peut le voir.
   *[other] { $count } papiers. Vous seul décidez qui peut les voir.
}
safe-empty = Votre coffre est vide.
safe-empty-why = Ce que vous y mettez est fermé à clé sur cet appareil, avant de partir. Personne d’autre ne peut le lire.
safe-add = Ajouter un papier
safe-give = Donner des papiers à une structure
safe-safe = Tout est en sûreté.
safe-sent = Envoyé. Bientôt en sûreté.
safe-unchecked = Nous n’avons pas pu vérifier que votre coffre est montré comme il est aujourd’hui. Vous pouvez lire vos papiers. Pour donner, attendez un peu.
copied-device = Attention : quelqu’un d’autre a signé avec la clé de cet appareil.
copied-device-do = Cet appareil a été copié, ou quelqu’un s’en est servi. Sur un autre appareil, entrez avec vos mots, retirez celui-ci dans « Mes appareils », puis regardez l’historique. Parlez-en à la structure qui vous aide.
evidence-title = Ce service a montré deux registres différents.
evidence-what = Il doit y avoir un seul registre pour tout le monde. Peut-être montre-t-on à quelqu’un ce que les autres ne voient pas. Enregistrez ce fichier et montrez-le à une personne de confiance. Il ne dit rien de vous ni de vos papiers.
evidence-save = Enregistrer le fichier
evidence-name = preuve-deux-registres.json
evidence-away = Je l’ai enregistré : enlever
safe-room = { $used } sur { $limit }
stale = Cette liste est celle de { $when }. Le service ne répond pas en ce moment.
stale-unknown = Le service ne répond pas en ce moment : nous ne pouvons pas dire qui voit vos papiers.
safe-draft = « { $title } » n’est pas encore arrivé dans le coffre. Il est à l’abri sur cet appareil.
safe-draft-look = Terminer
paper-only-me = Vous seul
paper-seen-by = { $count ->
    [one] Vu par { $count } structure
   *[other] Vu par { $count } structures
}
task-running = « { $title } » part dans votre coffre…
task-done = « { $title } » est rangé.
task-stop = Arrêter
task-stopped = « { $title } » est arrêté. Rien n’en a été mis dans votre coffre.

# Adding
add-title = Ajouter un papier
add-private = Le lieu et l’appareil, cachés dans les photos, sont effacés. Puis tout est fermé à clé, ici, sur cet appareil.
add-limit = Jusqu’à { $limit } par fichier.
add-looking = Nous préparons votre papier…
add-refused-title = Ce fichier n’a pas pu entrer
add-next-file = Passer au suivant
add-other = Choisir un autre fichier
add-sending-title = Vos papiers partent
add-sending-lead = Vous pouvez continuer pendant ce temps.
add-sent-title = C’est terminé
add-not-all-title = Tout n’a pas été rangé
add-to-safe = Voir mon coffre
add-another = Ajouter un autre papier
pick-camera = Prendre une photo
pick-camera-hint = Posez le papier à plat, en pleine lumière
pick-files = Choisir des fichiers
pick-file = Choisir un fichier
pick-files-hint = Photos, PDF, ou autre
pick-drop = Ou déposez vos fichiers ici
title-question = Qu’est‑ce que c’est ?
title-label = Nom du papier
title-left = { $count ->
    [one] Il reste { $count } fichier après celui-ci.
   *[other] Il reste { $count } fichiers après celui-ci.
}
title-usual = Ou touchez un nom :
title-empty = Donnez un nom à ce papier, pour le retrouver.
title-put = Mettre dans mon coffre
title-skip = Ne pas l’ajouter
usual-identity = Carte d’identité
usual-permit = Titre de séjour
usual-passport = Passeport
usual-health = Carte Vitale
usual-benefit = Attestation CAF
usual-housing = Domiciliation
usual-bank = RIB
usual-family = Livret de famille
usual-work = Contrat de travail
usual-photo = Photo

# One paper
gone-title = Introuvable
gone-taken-back = Cela a été repris
gone-taken-back-what = C’était là avant. Maintenant, cela ne vous est plus confié et ne peut plus être ouvert.
paper-damaged-title = Papier qui ne s’ouvre pas
paper-look = Regarder
paper-save = Télécharger
paper-saved = « { $name } » est maintenant dans les téléchargements de cet appareil. Là, tout le monde peut l’ouvrir.
paper-added = Ajouté le { $day }
paper-pages = { $count ->
    [one] { $count } page
   *[other] { $count } pages
}
paper-give = Donner à une structure
paper-give-hint = Jusqu’à un jour que vous choisissez
paper-rename = Changer le nom
paper-replace = Mettre une nouvelle version
paper-replace-hint = Une photo plus nette, un papier plus récent
paper-rekey = Changer la clé
paper-rekey-hint = Si quelqu’un a pu garder l’ancienne
paper-remove = Supprimer
seers-title = Qui peut le voir ?
seers-none = Vous seul.
seers-change = Voir ou reprendre
look-opening = Nous ouvrons ce papier…
look-other = Ce papier ne peut pas être montré ici. Vous pouvez le télécharger depuis sa page.
look-smaller = Plus petit
look-larger = Plus grand
look-frame = Le papier
look-page = Page { $page } sur { $pages }
look-page-label = { $title }, page { $page } sur { $pages }
look-previous = Page d’avant
look-next = Page d’après
rename-title = Changer le nom
rename-do = Changer le nom
replace-title = Mettre une nouvelle version
replace-seen = { $count ->
    [one] { $count } structure peut voir ce papier. Elle verra aussi la nouvelle version.
   *[other] { $count } structures peuvent voir ce papier. Elles verront aussi la nouvelle version.
}
rekey-title = Changer la clé de ce papier ?
rekey-when = C’est utile si quelqu’un qui pouvait ouvrir ce papier a pu garder sa clé : un ordinateur qui n’était pas à vous, une personne qui a quitté une structure, quelqu’un à qui vous l’avez repris.
rekey-what = Votre appareil referme le papier avec une nouvelle clé. L’ancienne copie est effacée. L’ancienne clé n’ouvre plus rien.
rekey-cannot = Cela n’efface pas ce qui a été vu. Qui a ouvert ce papier a pu en garder une copie ou une photo.
rekey-seen = { $count ->
    [one] { $count } structure peut voir ce papier. Elle le pourra encore après. Si vous ne le voulez pas, reprenez d’abord le papier.
   *[other] { $count } structures peuvent voir ce papier. Elles le pourront encore après. Si vous ne le voulez pas, reprenez d’abord le papier.
}
rekey-yes = Changer la clé
rekey-no = Laisser comme ça
remove-title = Supprimer ce papier ?
remove-what = Il disparaît de votre coffre, pour toujours. Personne ne pourra le retrouver.
remove-seen = Une structure pouvait le voir. Elle ne pourra plus l’ouvrir. Mais ce qui a été vu a été vu.
remove-yes = Oui, supprimer
draft-title = Ce papier n’est pas encore arrivé
draft-what = Il est fermé à clé sur cet appareil. Envoyez-le dans votre coffre, ou laissez-le.
draft-send = Envoyer dans mon coffre
draft-drop = Ne pas le garder
draft-drop-title = Effacer ce papier de l’appareil ?
draft-drop-yes = Oui, effacer

# Giving
give-who-title = À qui voulez‑vous donner ?
give-who-known = Vous connaissez déjà
give-who-compared = { $place } · comparée à l’accueil
give-who-introduced = { $place } · présenté par { $name }
give-who-search = Chercher une structure
give-who-hint = Son nom ou sa ville
give-who-find = Chercher
give-who-none = Aucune structure trouvée. Essayez un autre mot, ou demandez le nom exact à l’accueil.
compare-title = Est-ce bien { $name } ?
compare-lead = Regardez le code affiché à l’accueil de la structure. Scannez le carré, ou écrivez les 20 lettres.
compare-code = Code de la structure
compare-code-hint = 20 lettres et chiffres, par groupes de 4
compare-typed = Ce que vous avez écrit
compare-do = Comparer
compare-why = Pourquoi ? Un nom, ça se copie. Ce code, non. S’il est pareil, vos papiers iront à cette structure et à personne d’autre. C’est à faire une seule fois.
introduced-by = « { $by } » présente « { $name } » ({ $place }).
introduced-what = Vous avez comparé le code de « { $name } ». Ces gens disent avoir comparé le code de ce lieu. C’est moins sûr que de le comparer vous‑même.
introduced-take = Faire confiance à cette présentation
compared-title = Oui, c’est bien elle
compared-what = { $count ->
    [one] Le code est le bon. { $count } personne y travaille et pourra ouvrir ce que vous donnez.
   *[other] Le code est le bon. { $count } personnes y travaillent et pourront ouvrir ce que vous donnez.
}
compared-next = Choisir les papiers
which-title = Quels papiers ?
which-lead = Cochez ce que vous donnez. Le reste ne se verra pas.
which-empty = Votre coffre est vide. Ajoutez d’abord un papier.
which-next = { $count ->
    [0] Cochez un papier
    [one] Continuer avec { $count } papier
   *[other] Continuer avec { $count } papiers
}
until-title = Jusqu’à quand ?
until-lead = Après ce jour, la structure ne pourra plus ouvrir. Vous pouvez reprendre avant.
until-day = Un jour
until-week = Une semaine
until-month = Un mois
until-quarter = Trois mois
until-own = Un autre jour
until-no-day = Ce jour n’existe pas. Vérifiez les trois nombres.
until-past = Ce jour est déjà passé.
date-day = Jour
date-month = Mois
date-year = Année
why-title = Un mot pour la structure ?
why-lead = Vous pouvez laisser vide.
why-signed = Comment elle vous connaît
why-signed-hint = Un prénom, un numéro de dossier…
why-purpose = Pourquoi vous donnez ces papiers
why-purpose-hint = Par exemple : demande de logement
confirm-title = Vous donnez ceci ?
confirm-to = À
confirm-known = Comment vous le connaissez
confirm-compared = Code comparé à l’accueil
confirm-introduced = Présenté par « { $name } », code non comparé
confirm-until = Jusqu’au
confirm-as = Signé
confirm-why = Pour
confirm-note = Les nouvelles versions de ces papiers seront vues aussi. Vous pouvez reprendre à tout moment.
confirm-yes = Oui, donner
confirm-no = Non, revenir
done-title = C’est donné
done-what = { $count ->
    [one] { $name } peut voir { $count } papier jusqu’au { $day }.
   *[other] { $name } peut voir { $count } papiers jusqu’au { $day }.
}
done-back = Vous verrez qui l’ouvre et quand. Vous pouvez reprendre quand vous voulez.
done-who = Qui voit quoi

# Who can see what, and taking back
who-title = Qui voit quoi
who-lead = Vous pouvez reprendre à tout moment.
who-none = Personne. Vous seul voyez vos papiers.
who-past = Avant
grant-until = Jusqu’au { $day }
grant-renewed = Donné le { $from }. Nouvelle clé le { $day }, car quelqu’un est parti de là-bas.
grant-ended = Terminé le { $day }
grant-closed = Ce lieu a fermé. Plus personne là-bas ne peut l’ouvrir.
grant-taken_back = Vous l’avez repris. (C’était donné jusqu’au { $day }.)
grant-opened = { $count ->
    [one] Ouvert { $count } fois, le { $when }
   *[other] Ouvert { $count } fois, la dernière le { $when }
}
grant-unopened = Pas encore ouvert
take-back = Reprendre
taken-title = C’est repris
taken-now = À partir de maintenant, cette structure ne peut plus ouvrir ces papiers.
taken-unseen = Personne ne les avait ouverts.
taken-seen = Avant cela, ceci avait été ouvert :
taken-honest = Ce qui a été vu a été vu. Une copie a pu être faite.
opened-by = { $name }, collègue numéro { $number }, le { $when }

# What happened
trace-title = Historique
trace-lead = Tout ce qui s’est passé avec votre coffre.
trace-a-paper = un papier
trace-quoted = « { $title } »
trace-opened_safe = Vous avez ouvert votre coffre.
trace-added = Vous avez ajouté { $title }.
trace-renamed = Vous avez changé un nom : { $title }.
trace-replaced = Vous avez mis une nouvelle version de { $title }, ou changé sa clé.
trace-accepted = Vous avez pris { $title } dans votre coffre. Quelqu’un vous l’avait envoyé.
trace-refused = Vous avez refusé un papier que quelqu’un vous avait envoyé.
trace-removed = Vous avez supprimé { $title }.
trace-given = Vous avez donné { $title } à { $name }, jusqu’au { $day }.
trace-renewed = Ce que vous avez donné à { $name } a une nouvelle clé, car quelqu’un est parti de là-bas.
trace-rewrapped = { $name } a changé sa clé, car quelqu’un est parti de là-bas. Personne n’a regardé vos papiers pour cela.
trace-listed = { $name } (collègue { $number }) a regardé la liste de ce que vous avez donné.
trace-seen = { $name } (collègue { $number }) a ouvert { $title }.
trace-taken_back = Vous avez repris ce que vous aviez donné à { $name }.
trace-ended = Le temps est fini : { $name } ne peut plus ouvrir ce que vous aviez donné.
trace-device_added = { $here ->
    [yes] Cet appareil est entré dans votre coffre.
   *[no] Un autre appareil est entré dans votre coffre.
}
trace-device_retired = { $here ->
    [yes] Cet appareil a été retiré.
   *[no] Un autre appareil a été retiré.
}
trace-lock_set = Un moyen d’entrer a été ajouté.
trace-lock_retired = Un moyen d’entrer a été retiré.
trace-new_generation = Tout ce qui ouvre votre coffre a été refait à neuf.
trace-guardians_named = Vous avez choisi qui peut vous faire revenir.
trace-return_begun = Quelqu’un a voulu ouvrir votre coffre avec l’aide de ceux que vous avez choisis.
trace-return_stopped = Un de vos appareils a arrêté quelqu’un qui voulait ouvrir votre coffre.
trace-brought_back = Ceux que vous avez choisis ont fait revenir quelqu’un. Tout ce qui ouvre votre coffre a été refait à neuf.
trace-went_on = Votre coffre a continué à partir d’une copie du service. Ce qui a été fait après la copie manque, et plus personne ne voyait rien.

# Settings
settings-title = Réglages
settings-handle = Nom de votre coffre :
settings-word = La parole d’un seul : personne d’autre que le service ne confirme que votre coffre est montré comme il est, ni qu’un jour de fin est passé.
settings-lock = Fermer maintenant
settings-lock-hint = Il faudra vos mots pour revenir
settings-leave = Sortir
settings-leave-hint = De cet appareil, ou de partout
settings-language = Langue
settings-ways = Revenir dans mon coffre
settings-devices = Mes appareils
settings-away = Tout emporter
settings-away-hint = Tous vos papiers dans un seul fichier
settings-close = Fermer mon coffre pour toujours
devices-title = Mes appareils
devices-lead = Les appareils qui sont entrés dans votre coffre.
devices-this = Cet appareil
devices-other = Un autre appareil
devices-since = Depuis le { $day }
devices-retire = Retirer cet appareil
devices-retire-title = Retirer cet appareil ?
devices-retire-what = Il se ferme tout de suite, son code aussi. Il ne peut revenir qu’avec un autre de vos moyens d’entrer.
devices-retire-work = Si vous travaillez dans une structure, cet appareil n’y lit plus rien non plus.
devices-retire-yes = Oui, retirer
devices-lost = Un appareil perdu ou volé ? Retirez-le ici, ou déconnectez-vous de partout. Si vous y avez fait une clé (doigt, visage), annulez-la aussi, sous « Revenir dans votre coffre ».
away-title = Tout emporter
away-lead = Tous vos papiers, comme vous les avez mis, et une liste. Dans un seul fichier.
away-care = Ce fichier n’est pas fermé à clé. Qui l’a peut tout lire. Ne le laissez pas sur un appareil partagé.
away-do = Préparer le fichier
away-busy = Nous rassemblons vos papiers…
away-done = Le fichier est dans les téléchargements de cet appareil.
away-name = mes papiers
leave-title = Sortir
leave-lead = Vos papiers restent dans votre coffre. Il faudra un de vos moyens d’entrer pour revenir.
leave-here = Sortir de cet appareil
leave-here-hint = Le nom du coffre et le code que vous avez mis restent, et seulement si cet appareil est à vous seul
leave-everywhere = Sortir de partout
leave-everywhere-hint = Tous vos appareils sont fermés, celui-ci aussi, et leurs codes. Les clés (doigt, visage) ouvrent encore : annulez-les une par une
close-title = Fermer pour toujours
close-lead = Est-ce vraiment ce que vous voulez ?
close-what = Tous vos papiers seront effacés. Personne ne pourra les retrouver : ni vous, ni nous.
close-first = Voulez-vous d’abord tout emporter ?
close-next = Je veux fermer mon coffre
close-no = Non, je le garde
close-sure-title = Dernière question
close-type = Pour fermer, écrivez ce mot :
close-word = fermer
close-yes = Fermer pour toujours

# When something does not go as it should: what to do next, and that nothing is lost.
error-wait-seconds = { $seconds ->
    [one] Réessayez dans { $seconds } seconde.
   *[other] Réessayez dans { $seconds } secondes.
}
error-wait-minutes = { $minutes ->
    [one] Réessayez dans { $minutes } minute.
   *[other] Réessayez dans { $minutes } minutes.
}
error-wrong_words_or_handle = Le nom du coffre ou les mots ne vont pas ensemble. Regardez votre papier, mot par mot, et essayez encore. Vos papiers sont à l’abri.
error-words_misread = Le mot numéro { $place } n’est pas dans notre liste. Regardez bien comment il est écrit.
error-wrong_clock = La date de cet appareil est fausse. Rien n’est perdu. Corrigez la date dans ses réglages, puis réessayez.
error-unlock_over = Cela a pris trop de temps. Rien n’est perdu. Essayez encore une fois.
error-wrong_held = Ceci n’ouvre aucun coffre. Vérifiez ce que vous avez tapé ou montré. Un plus récent l’a peut-être remplacé, ou il a été annulé.
error-sheet_misread = Il y a une lettre fausse ou oubliée. Relisez le papier, groupe par groupe.
error-passkey_stopped = L’appareil n’a pas donné sa clé. Essayez encore, ou entrez autrement.
error-passkey_fails = Cet appareil ne peut pas utiliser sa clé ici. Entrez autrement.
error-passkey_no_secret = La clé de cet appareil ne peut pas ouvrir de coffre. Rien n’a changé : utilisez une carte, des mots ou une feuille. Vous pouvez supprimer cette clé dans les réglages de l’appareil.
error-pin_spent = Cette carte ou cet appareil n’ouvre plus rien : trop de mauvais codes. Entrez autrement, puis faites-en un nouveau. Vos papiers sont à l’abri.
error-wrong_pin = { $left ->
    [0] Le code est faux. Il ne reste aucun essai : ceci n’ouvre plus rien. Entrez autrement.
    [one] Le code est faux. Il reste { $left } essai.
   *[other] Le code est faux. Il reste { $left } essais.
  }
error-pin_misread = Un code a six chiffres.
error-pin_too_plain = Ce code se devine trop vite : une date, une suite, ou les mêmes chiffres. Choisissez-en un autre.
error-needs_pin = Ceci est une carte. Elle ouvre le coffre avec son code.
error-wrong_paper = Ces lettres ne sont pas celles de la feuille de cette structure.
error-bad_share = Ce que garde l’aide numéro { $number } ne va pas avec ce coffre. Rien n’est perdu. Montrez le carré à une autre personne que vous aviez choisie.
error-return_over = Ce retour est terminé, ou un autre est déjà en route. Rien n’est perdu.
error-return_strict = Ce retour ne peut pas être arrêté d’ici : un autre l’a été il y a peu. Allez voir vite un de ceux que vous avez choisis.
error-too_many_tries = Trop d’essais pour le moment. Vos papiers sont à l’abri. Votre feuille de secours marche toujours.
error-too_many_requests = Il y a beaucoup de monde en ce moment. Rien n’est perdu. Attendez un peu.
error-offline = Pas d’internet. Rien n’est perdu. Réessayez quand il sera revenu.
error-server_down = Le service ne répond pas. Rien n’est perdu. Réessayez dans quelques minutes.
error-undecodable = Le service répond avec quelque chose que cette page ne connaît pas. Rien n’est perdu. Rechargez la page. Si vous revoyez ce message, parlez-en à la structure qui vous aide.
error-damaged = Ce papier ne s’ouvre pas : il est abîmé, ou quelqu’un l’a fermé avec d’autres clés. Le reste de votre coffre va bien. Si vous avez encore l’original, ajoutez-le à nouveau.
error-not_found = Ce que vous cherchez n’est plus ici. Il a été supprimé, repris, ou son temps est fini.
error-file_too_large = Ce fichier est trop gros : la limite est { $limit }. Rien n’a été envoyé. Essayez une photo plus petite.
error-file_unreadable = Nous n’arrivons pas à lire ce fichier. Essayez de le prendre en photo, ou enregistrez-le en JPEG ou en PDF.
error-pdf_has_password = Ce PDF a son propre mot de passe. Nous ne pouvons pas le montrer ici. Téléchargez-le pour l’ouvrir.
error-storage_full = Le service n’a plus de place. Rien n’est perdu, et vos papiers restent lisibles. Réessayez plus tard.
error-too_many_things = Votre coffre ne peut pas en contenir davantage. Supprimez un papier dont vous n’avez plus besoin, ou reprenez ce que vous avez donné, puis réessayez.
error-quota_full = Votre coffre est plein. Supprimez un papier dont vous n’avez plus besoin, puis réessayez.
error-fork = Attention : le service ne montre pas la même chose à tout le monde. Nous arrêtons tout, pour vous protéger. Parlez-en à la structure qui vous aide.
error-rollback = Attention : le service montre un ancien état de votre coffre. Nous n’y touchons pas, pour vous protéger. Parlez-en à la structure qui vous aide.
error-from_backup = Votre coffre revient d’une copie. Entrez avec les mots, une carte, la feuille ou une clé d’accès : on vous dit ce qui manque. Avant cela, personne ne peut revenir avec l’aide d’autres.
error-put_out = Cet appareil avait été retiré de votre coffre, avant que le service revienne à une copie. Entrez avec les mots, une carte ou la feuille.
error-went_on = Votre coffre a continué à partir d’une copie, et cet appareil se souvient de ce qui manque. Entrez ici avec les mots, une carte ou la feuille, ou sur un autre appareil.
error-other_chain = Attention : ce n’est pas la structure que vous connaissiez. Ne donnez rien. Allez à son accueil et parlez-en.
error-code_misread = Il y a une lettre fausse ou oubliée dans le code. Relisez-le, groupe par groupe.
error-code_differs = Ce code n’est pas celui de cette structure. Relisez-le, groupe par groupe. S’il est bien écrit, n’allez pas plus loin et demandez à l’accueil.
error-structure_not_accepted = Cette structure n’est pas encore acceptée par le service. Vous pourrez lui donner des papiers plus tard.
error-not_a_member = Vous n’êtes plus dans cette équipe. Demandez à la personne responsable.
error-invitation_used = Ce lien a déjà servi. Demandez-en un autre à la personne responsable.
error-invitation_ended = Ce lien n’est plus valable : il durait un jour. Demandez-en un autre à la personne responsable.
error-link_misread = Ce n’est pas le carré d’un ordinateur. Visez le carré qui est sur l’écran de l’ordinateur.
error-link_taken = Quelqu’un d’autre a répondu à cet ordinateur. N’y mettez rien : demandez-lui un autre carré, et recommencez.
error-invitation_misread = Ce lien n’est pas complet. Copiez-le en entier et ouvrez-le à nouveau.
error-grant_ended = On ne vous donne plus accès à ce papier : la personne l’a repris, ou le temps est fini.
error-taken_back = Cela a été repris : c’était là avant, et cela ne peut plus être ouvert.
error-handle_taken = Ce nom de coffre est déjà pris. Recommencez : un autre nom sera tiré.
error-session_ended = Votre coffre a été fermé, peut-être depuis un autre appareil. Entrez à nouveau. Rien n’est perdu.
error-address_misread = Ce n’est ni le carré ni le texte du coffre d’une personne. Demandez-lui de l’afficher encore.
error-other_log = Ce carré ne va pas avec ce service : un autre service l’a fait, ou ce service montre un autre registre qu’à l’époque. Rien n’a été fait. Écrivez plutôt les lettres, et dites-le à la structure qui vous aide.
error-conflict = Un autre de vos appareils a changé la même chose en même temps. Rien n’est perdu. Réessayez.
error-stale = Votre coffre a changé entre-temps. Rien n’est perdu. Réessayez.
error-unsupported_browser = Ce navigateur est trop ancien pour fermer vos papiers à clé. Mettez-le à jour, ou essayez Firefox, Chrome ou Safari. Rien n’a été envoyé.
error-newer_version = Une version plus récente de cette page existe. Rechargez la page. Rien n’est perdu.
error-bad_request = Le service n’a pas compris cette demande. Rien n’est perdu. Rechargez la page et réessayez.
error-not_compared = Comparez d’abord le code de cette structure, à son accueil.
error-not_introduced = Aucun lieu que vous connaissez ne présente plus celui-ci. Comparez son code, à son accueil.
error-needs_own_device = Cela se fait seulement sur un appareil à vous seul. Entrez à nouveau et dites que cet appareil est à vous.
error-remembers_another = Cet appareil ouvre déjà un autre coffre avec un code. Rien n’a changé. S’il ouvre le vôtre à la place, l’autre coffre reste comme il est : sa personne entre avec une carte, des mots ou la feuille.
error-forged = Attention : ce que le service a envoyé n’est pas signé comme il faut. Nous ne l’utilisons pas, pour vous protéger. Parlez-en à la structure qui vous aide.
error-withheld = Attention : le service ne montre pas tout, il cache ce qui est plus récent. Nous arrêtons, pour vous protéger. Rien n’est perdu. Parlez-en à la structure qui vous aide.
error-shown_taken_back = Attention : cela a été repris, et le service le montre encore. Nous ne l’ouvrons pas. Parlez-en à qui tient le service.
error-old_version = Attention : le service a montré une ancienne version de ce papier et cache la plus récente. Nous ne l’ouvrons pas. Rien n’est perdu. Parlez-en à qui tient le service.
error-retired_device = Attention : cela vient d’un appareil que la personne avait retiré. Nous ne l’ouvrons pas. Demandez à la personne, ou parlez-en à qui tient le service.
error-log_forked = Attention : le registre public du service n’est plus celui que cet appareil a vu. Nous arrêtons, pour vous protéger. Rien n’est perdu. Parlez-en à la structure qui vous aide.
error-log_forged = Attention : le registre public du service n’est pas signé comme il faut. Nous arrêtons, pour vous protéger. Rien n’est perdu. Parlez-en à la structure qui vous aide.
error-log_unanswered = Nous n’avons pas pu vérifier le registre public. Rien n’a été donné, rien n’est perdu. Réessayez plus tard.
error-log_witnesses = Les témoins n’ont pas encore confirmé le registre public. Rien n’a été donné, rien n’est perdu. Réessayez dans quelques minutes.
error-log_stale = Le registre public a plus d’un jour. Rien n’a été donné, rien n’est perdu. Regardez si la date de cet appareil est juste, puis réessayez plus tard.
error-log_ahead = La date de cet appareil est en retard. Rien n’a été donné, rien n’est perdu. Corrigez la date, puis réessayez.
error-log_behind = Quelque chose vient de changer, et le registre public ne le montre pas encore. Rien n’a été donné, rien n’est perdu. Réessayez dans une minute.
error-refused = Le service a refusé cette demande. Rien n’est perdu. Rechargez la page et réessayez.
error-unavailable = Le service a trop de travail en ce moment. Rien n’est perdu. Réessayez dans quelques minutes.
error-method_not_allowed = Le service n’a pas compris cette demande. Rien n’est perdu. Rechargez la page et réessayez.
error-internal = Quelque chose n’a pas marché. Rien n’est perdu. Réessayez ; si cela recommence, rechargez la page.
error-close_word = Ce n’est pas le mot demandé. Votre coffre n’a pas changé.

# Papiers des autres
safe-inbox = Recevoir un papier
safe-inbox-waits = { $count ->
    [one] { $count } papier de quelqu’un vous attend.
   *[other] { $count } papiers d’autres personnes vous attendent.
}
safe-inbox-look = Regarder
inbox-title = Papiers venus des autres
inbox-lead = Ils ne sont pas dans votre coffre. Vous décidez.
inbox-none = Rien n’attend.
inbox-from = De { $name } (c’est son nom, dit cette personne), personne { $number } de { $structure }
inbox-compared = Code comparé à l’accueil.
inbox-not-compared = Code jamais comparé.
inbox-until = Attend jusqu’au { $day }, puis c’est effacé.
inbox-open = Regarder
inbox-apart = { $count ->
    [one] { $count } chose à laquelle on ne peut pas faire confiance
   *[other] { $count } choses auxquelles on ne peut pas faire confiance
}
inbox-apart-what = Rien n’en a été ouvert. Vous n’avez rien à faire.
inbox-apart-forged = Personne de cette structure n’a signé cela.
inbox-apart-unproven = Ce que le service montre de cette structure n’est pas juste : on ne peut pas savoir qui a signé.
inbox-apart-left = La personne qui a signé n’est plus dans cette structure.
inbox-apart-misdirected = C’était fermé pour quelqu’un d’autre.
inbox-apart-replayed = Vous l’avez déjà pris ou refusé.
inbox-apart-damaged = Cela ne s’ouvre pas.
inbox-away = Enlever
inbox-address = Pour recevoir un papier
inbox-address-what = Montrez ceci à la personne qui veut vous donner un papier. Elle peut vous envoyer des papiers avec. Elle ne voit rien de votre coffre.
inbox-copy = Copier le texte
deposit-compared = Vous avez comparé le code de « { $structure } » ({ $place }) à son accueil.
deposit-not-compared = Vous n’avez jamais comparé le code de « { $structure } » ({ $place }). Si vous ne connaissez pas ces gens, refusez.
deposit-take = Prendre dans mon coffre
deposit-refuse = Refuser
deposit-refuse-what = La personne qui l’a envoyé ne saura pas que vous avez refusé.
