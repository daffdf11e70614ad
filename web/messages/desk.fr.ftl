# Ce que dit seulement la page des structures.

team-gone = { $name } a quitté l’équipe. Ce qui est donné à partir de maintenant a une nouvelle clé.
member-leaves = Quitte l’équipe
member-leaves-hint = Tout de suite, sur tous ses appareils
member-leaves-title = { $name } quitte l’équipe ?
member-leaves-now = Tout de suite, cette page n’ouvre plus rien pour { $name }, sur aucun appareil.
member-leaves-key = Ce que les personnes vous donnent à partir de maintenant a une nouvelle clé. { $name } ne l’aura jamais.
member-leaves-kept = Ce que { $name } pouvait ouvrir avant, cette personne a pu le garder : copies, photos, souvenirs, clés.
member-leaves-help = Personne ne peut reprendre cela. Pour un papier important, la personne à qui il est peut changer sa clé dans son coffre. Elle peut aussi le reprendre.
member-leaves-yes = Oui, hors de l’équipe
member-leaves-no = Non, reste ici
member-me-leaves = Je veux quitter cette équipe
member-me-ask = Dites-le à { $names } : sur sa page, sous « { team-title } », il faut ouvrir votre nom et choisir « { member-leaves } ».
member-me-alone = Vous êtes la seule personne responsable. Une autre personne doit devenir responsable avant votre départ.
left-title = Vous n’êtes plus dans cette équipe
left-lead = Une personne responsable vous a retiré de l’équipe de { $name }.
left-gone = Ce que vous aviez ici de { $name } est effacé de cet appareil : clés, noms, papiers. Cette page n’ouvre plus rien de cette structure.
left-yours = Votre propre coffre reste à vous. Vos mots et votre feuille l’ouvrent comme avant.
left-safe = Vers mon coffre
