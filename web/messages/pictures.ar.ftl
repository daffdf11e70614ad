# أسماء الرسوم، والبطاقة التي تحمل واحدًا منها.

picture-umbrella = مظلة
picture-bird = عصفور
picture-boat = قارب
picture-tree = شجرة
picture-sun = شمس
picture-cloud = غيمة
picture-fish = سمكة
picture-cup = فنجان
picture-tulip = زهرة توليب
picture-bicycle = دراجة
picture-apple = تفاحة
picture-cat = قطة
picture-snail = حلزون
picture-butterfly = فراشة
picture-bus = حافلة
picture-ball = كرة
picture-bulb = مصباح
picture-chair = كرسي
picture-glasses = نظارة
picture-hat = قبعة
picture-kite = طائرة ورقية
picture-boot = حذاء طويل
picture-shirt = قميص
picture-leaf = ورقة شجر
picture-mushroom = فطر
picture-carrot = جزرة
picture-cherries = كرز
picture-mountain = جبل
picture-drop = قطرة
picture-balloon = بالون
picture-guitar = غيتار
picture-ladder = سلّم

card-paper = بطاقة
card-paper-qr = مربّع يُقرأ بالكاميرا
card-paper-letters = أحرف البطاقة
