# The names of the drawings, and the card that bears one.

picture-umbrella = Umbrella
picture-bird = Bird
picture-boat = Boat
picture-tree = Tree
picture-sun = Sun
picture-cloud = Cloud
picture-fish = Fish
picture-cup = Cup
picture-tulip = Tulip
picture-bicycle = Bicycle
picture-apple = Apple
picture-cat = Cat
picture-snail = Snail
picture-butterfly = Butterfly
picture-bus = Bus
picture-ball = Football
picture-bulb = Light bulb
picture-chair = Chair
picture-glasses = Glasses
picture-hat = Hat
picture-kite = Kite
picture-boot = Boot
picture-shirt = Shirt
picture-leaf = Leaf
picture-mushroom = Mushroom
picture-carrot = Carrot
picture-cherries = Cherries
picture-mountain = Mountain
picture-drop = Drop
picture-balloon = Balloon
picture-guitar = Guitar
picture-ladder = Ladder

card-paper = Card
card-paper-qr = Square to read with a camera
card-paper-letters = Letters of the card
