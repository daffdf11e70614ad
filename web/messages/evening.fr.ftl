evening-title = Une soirée pour ouvrir des coffres
evening-lead = Pour l’équipe. Sur cette tablette, une personne après l’autre ouvre son coffre.
evening-what = Chaque personne choisit sa langue, ouvre son coffre et part avec ses papiers. « Personne suivante » efface tout et revient au début.
evening-hours = La soirée s’arrête seule après 8 heures. Vous pouvez l’arrêter avant.
evening-counts = La tablette compte les coffres ouverts, sans aucun nom. Ce nombre disparaît à la fin.
evening-printer = Pas d’imprimante ? Les lettres de la carte et de la feuille se recopient à la main.
evening-yours = N’ouvrez pas votre propre compte dans ce navigateur : tout ce qu’il garde de ce site est effacé entre deux personnes.
evening-begin = Commencer la soirée
evening-running = La soirée est en cours
evening-until = Elle s’arrête seule à { $time }.
evening-count = { $count ->
    [0] Aucun coffre ouvert ce soir
    [one] { $count } coffre ouvert ce soir
   *[other] { $count } coffres ouverts ce soir
  }
evening-team = Pour l’équipe
evening-end-lead = Notez ce nombre si vous en avez besoin : il disparaît avec la soirée.
evening-end = Arrêter la soirée
evening-next = Personne suivante
evening-sure = La personne s’arrête là ? Ce qui n’est pas fini sera perdu.
evening-no = Non, continuer
evening-yes = Oui, tout effacer
evening-done-title = C’est fait
evening-done-lead = Votre coffre est ouvert. Il est à vous.
evening-done-papers = Prenez vos papiers avec vous. Regardez aussi sur la table et dans l’imprimante.
evening-done-gone = « Personne suivante » efface tout : rien de vous ne reste sur cette tablette.
