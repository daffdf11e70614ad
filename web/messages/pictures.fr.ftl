# Les noms des dessins, et la carte qui en porte un. Le français est la source.

picture-umbrella = Parapluie
picture-bird = Oiseau
picture-boat = Bateau
picture-tree = Arbre
picture-sun = Soleil
picture-cloud = Nuage
picture-fish = Poisson
picture-cup = Tasse
picture-tulip = Tulipe
picture-bicycle = Vélo
picture-apple = Pomme
picture-cat = Chat
picture-snail = Escargot
picture-butterfly = Papillon
picture-bus = Bus
picture-ball = Ballon
picture-bulb = Ampoule
picture-chair = Chaise
picture-glasses = Lunettes
picture-hat = Chapeau
picture-kite = Cerf‑volant
picture-boot = Botte
picture-shirt = Chemise
picture-leaf = Feuille
picture-mushroom = Champignon
picture-carrot = Carotte
picture-cherries = Cerises
picture-mountain = Montagne
picture-drop = Goutte
picture-balloon = Ballon gonflable
picture-guitar = Guitare
picture-ladder = Échelle

card-paper = Carte
card-paper-qr = Carré à lire avec une caméra
card-paper-letters = Lettres de la carte
