# العربية — كلمات بسيطة وجمل قصيرة. Every count has its six forms.

page-title = Reconnect
home = العودة إلى البداية
back = رجوع
next = متابعة
step = الخطوة { $at } من { $of }
loading = لحظة من فضلك…
busy = لحظة من فضلك…
try-again = حاول مرة أخرى
print = طباعة
copy = نسخ
copied = تم النسخ.
copy-failed = لم ينجح النسخ. حدِّد النص بيدك.
fill-all = اكتب شيئًا هنا.
keep-it = لا، أبقِها
untitled = بلا اسم
tabs = القائمة
tab-safe = خزنتي
tab-who = من يرى ماذا
tab-trace = ما حدث
tab-settings = الإعدادات
tab-received = ما وصلنا
tab-team = الفريق
tab-poster = رمزنا
to-safe = عرض خزنتي

exit = خروج سريع
exit-note = «خروج سريع» يغلق كل شيء ويعرض موقعًا للطقس. الضغط ثلاث مرات على مفتاح Shift يفعل الشيء نفسه. لكن سجلّ المتصفح لا يُمحى: لا نستطيع فعل ذلك.

lock-soon = ستُغلق خزنتك بعد قليل.
lock-seconds = { $seconds ->
    [zero] بقيت { $seconds } ثانية.
    [one] بقيت ثانية واحدة.
    [two] بقيت ثانيتان.
    [few] بقيت { $seconds } ثوانٍ.
    [many] بقيت { $seconds } ثانية.
   *[other] بقيت { $seconds } ثانية.
}
lock-stay = أنا هنا
wipe-soon = ستُمحى الكلمات من هذه الشاشة بعد قليل.

# الباب
language-title = اختر لغتك
missing-title = هذا المتصفح لا يصلح
broken-title = لم تستطع الصفحة أن تبدأ
missing-list = ما ينقصه:
welcome-title = أوراقك في أمان
welcome-lead = خزنة لأوراقك. المفتاح معك وحدك. حتى نحن لا نستطيع قراءتها.
welcome-come = الدخول إلى خزنتي
welcome-come-hint = بكلماتك الست أو بورقتك
welcome-open = فتح خزنة جديدة
welcome-open-hint = بلا هاتف ولا بريد إلكتروني ولا أوراق
welcome-language = تغيير اللغة
welcome-desk-title = صفحة المؤسسات
welcome-desk-lead = لقراءة ما يأتمنكم عليه الناس، ولا شيء غيره.
welcome-desk-come = الدخول
welcome-desk-open = فتح حسابي للعمل
welcome-desk-open-hint = في المرة الأولى فقط
welcome-invited = لقد دُعيت إلى فريق. ادخل، أو افتح حسابك: الدعوة تنتظرك هنا. لا تغلق هذه الصفحة.
outside-locked = خزنتك مغلقة.
outside-idle = أُغلقت خزنتك وحدها: لم يلمس أحد الشاشة.
outside-hidden = أُغلقت خزنتك وحدها: بقيت الصفحة مخفية مدة طويلة.
outside-reload = أُعيد تحميل الصفحة، فأُغلقت خزنتك.
outside-signed_out = لقد خرجت. خزنتك مغلقة.
outside-session_ended = أُغلقت خزنتك، ربما من جهاز آخر.
outside-closed = أُغلقت خزنتك إلى الأبد. مُحي كل شيء.
outside-wiped = أُفرغت هذه الشاشة من تلقاء نفسها لأن أحدًا لم يلمسها. إن كنت تفتح خزنة فابدأ من جديد: ستُختار كلمات أخرى.
outside-why = المفتاح محفوظ في ذاكرة هذه الصفحة فقط. ادخل من جديد: أوراقك ما زالت موجودة.

# فتح خزنة
open-title = فتح خزنة جديدة
open-drawing = جهازك يصنع مفاتيحك…
open-making = نفتح خزنتك…
open-handle-title = هذا اسم خزنتك
open-handle-lead = اكتبه على ورقة. لا يقول شيئًا عنك.
open-handle-why = ستحتاج إليه للدخول، مع الكلمات الست في الصفحة التالية.
open-handle-next = كتبته
open-words-title = هذه كلماتك الست
open-words-lead = إنها مفتاحك. اكتبها بالترتيب.
open-words-care = لا تُرِها لأحد. من يملك هذه الكلمات يستطيع الدخول. نحن لا نعرفها ولن نستطيع أن نقولها لك مرة أخرى.
open-words-next = كتبتها
open-check-title = لنتأكد معًا
open-check-lead = انظر إلى ورقتك واكتب هاتين الكلمتين.
open-check-word = الكلمة رقم { $number }
open-check-wrong = هذه ليست الكلمة رقم { $number }. لا بأس: انظر إلى ورقتك وحاول مرة أخرى.
open-check-again = عرض الكلمات من جديد
keep-title = هل هذا الجهاز لك وحدك؟
keep-lead = إذا كان غيرك يستعمله، فيجب ألا يبقى عليه شيء.
keep-yes = نعم، هو لي
keep-yes-hint = يبقى اسم الخزنة هنا. ستحتاج دائمًا إلى كلماتك للدخول.
keep-no = لا، هو مُعار أو مشترك
keep-no-hint = لا يبقى شيء على هذا الجهاز.

# ورقة النجدة
sheet-own-title = ورقة النجدة الخاصة بك
sheet-own-lead = إذا ضاعت كلماتك، فهذه الورقة تفتح خزنتك. اطبعها، أو انقل كل الحروف.
sheet-own-where = احفظها في مكان آمن: عند شخص تثق به، أو في خزانة مؤسسة. ليس مع كلماتك الست.
sheet-root-title = الورقة الأصلية لمؤسستك
sheet-root-lead = تُعرض هذه المرة فقط. إنها تثبت أن المؤسسة لكم. اطبعها الآن.
sheet-root-where = ضعها في مكان مقفل في مقرّكم، مع الأوراق المهمة للمؤسسة.
sheet-own-care = من يجد هذه الورقة يستطيع الدخول. نحن لا نحتفظ بنسخة منها.
sheet-root-care = من يجد هذه الورقة يستطيع أن يقرر باسم المؤسسة. نحن لا نحتفظ بنسخة منها.
sheet-next = صارت معي على ورق
sheet-check-title = لنتأكد من الورقة
sheet-check-lead = انظر إلى الورقة المطبوعة.
sheet-check-letters = آخر 4 حروف في الورقة
sheet-check-wrong = هذه ليست آخر 4 حروف. انظر إلى نهاية السطر الأخير وحاول مرة أخرى.
sheet-check-again = عرض الورقة من جديد
sheet-paper-own-title = ورقة النجدة
sheet-paper-root-title = الورقة الأصلية لمؤسسة
sheet-paper-own = تُحفظ في مكان آمن. تفتح ما هو مغلق.
sheet-paper-root = تُحفظ في مكان مقفل. تثبت لمن المؤسسة.
sheet-paper-qr = مربع يُقرأ بالكاميرا
sheet-paper-letters = حروف الورقة
sheet-paper-own-finder = من يملك هذه الورقة يستطيع الدخول. لا تُرِها لأحد.
sheet-paper-root-finder = لا تفتح أي خزنة. من يملك هذه الورقة يستطيع أن يقرر باسم المؤسسة. لا تُرِها لأحد.
words-paper = كلماتك الست
words-paper-handle = الاسم:

# الدخول
come-title = الدخول
come-lead = ماذا معك؟
come-words = كلماتي الست
come-words-hint = مع اسم خزنتي
come-sheet = ورقة النجدة
come-sheet-hint = حروف، أو مربع للمسح
come-handle = اسم خزنتك
come-handle-hint = كلمتان ورقم
come-six = كلماتك الست
come-six-hint = بالترتيب. لا فرق بين الحروف الكبيرة والصغيرة.
come-word = الكلمة
come-fill = اكتب اسم الخزنة والكلمات الست.
come-letters = حروف الورقة
come-letters-hint = كل الحروف، بالترتيب. الفراغات لا تهم.
come-sheet-fill = اكتب حروف الورقة.
come-in = دخول
come-opening = نفتح خزنتك. قد يحتاج ذلك إلى بضع ثوانٍ…
scan-start = مسح المربع
scan-type = كتابة الحروف
scan-hold = أمسك المربع أمام الكاميرا.
scan-refused = الكاميرا لا تستجيب أو غير مسموح بها. اكتب الحروف بدلًا من ذلك.

# الخزنة
safe-title = خزنتي
safe-count = { $count ->
    [zero] لا أوراق ({ $count }). أنت وحدك تقرر من يراها.
    [one] ورقة واحدة. أنت وحدك تقرر من يراها.
    [two] ورقتان. أنت وحدك تقرر من يراهما.
    [few] { $count } أوراق. أنت وحدك تقرر من يراها.
    [many] { $count } ورقة. أنت وحدك تقرر من يراها.
   *[other] { $count } ورقة. أنت وحدك تقرر من يراها.
}
safe-empty = خزنتك فارغة.
safe-empty-why = ما تضعه فيها يُقفل بالمفتاح على هذا الجهاز قبل أن يخرج منه. لا يستطيع أحد غيرك قراءته.
safe-add = إضافة ورقة
safe-give = إعطاء أوراق لمؤسسة
safe-safe = كل شيء في أمان.
safe-sent = أُرسل. سيكون في أمان قريبًا.
safe-unchecked = لم نستطع التحقق من أن خزنتك تظهر كما هي اليوم. يمكنك قراءة أوراقك. لكي تعطي، انتظر قليلًا.
copied-device = انتبه: شخص آخر وقّع بمفتاح هذا الجهاز.
copied-device-do = نُسخ هذا الجهاز أو استعمله أحد. ادخل من جهاز آخر بكلماتك، وأزل هذا الجهاز من «أجهزتي»، ثم انظر إلى السجل. تحدّث مع المؤسسة التي تساعدك.
evidence-title = عرضت هذه الخدمة سجلين مختلفين.
evidence-what = يجب أن يكون هناك سجل واحد للجميع. ربما يُعرض على أحد ما لا يراه الآخرون. احفظ هذا الملف وأرِه لشخص تثق به. لا يقول شيئًا عنك ولا عن أوراقك.
evidence-save = حفظ الملف
evidence-name = دليل-سجلان.json
evidence-away = حفظته: أبعده
safe-room = { $used } من { $limit }
stale = هذه القائمة من { $when }. لا يمكن الوصول إلى الخدمة الآن.
stale-unknown = لا يمكن الوصول إلى الخدمة الآن، فلا نستطيع أن نقول من يرى أوراقك.
safe-draft = «{ $title }» لم تصل بعد إلى الخزنة. هي محمية على هذا الجهاز.
safe-draft-look = إنهاء
paper-only-me = أنت وحدك
paper-seen-by = { $count ->
    [zero] لا تراها أي مؤسسة ({ $count })
    [one] تراها مؤسسة واحدة
    [two] تراها مؤسستان
    [few] تراها { $count } مؤسسات
    [many] تراها { $count } مؤسسة
   *[other] تراها { $count } مؤسسة
}
task-running = «{ $title }» في طريقها إلى خزنتك…
task-done = حُفظت «{ $title }».
task-stop = إيقاف
task-stopped = توقّف إرسال «{ $title }». لم يوضع منه شيء في خزنتك.

# الإضافة
add-title = إضافة ورقة
add-private = يُمحى المكان ونوع الجهاز المخفيان في الصور. ثم يُقفل كل شيء بالمفتاح هنا، على هذا الجهاز.
add-limit = حتى { $limit } لكل ملف.
add-looking = نُجهّز ورقتك…
add-refused-title = لم يدخل هذا الملف
add-next-file = الانتقال إلى التالي
add-other = اختيار ملف آخر
add-sending-title = أوراقك في الطريق
add-sending-lead = يمكنك أن تتابع في هذه الأثناء.
add-sent-title = انتهى
add-not-all-title = لم يُحفظ كل شيء
add-to-safe = عرض خزنتي
add-another = إضافة ورقة أخرى
pick-camera = التقاط صورة
pick-camera-hint = ضع الورقة مسطحة، في ضوء جيد
pick-files = اختيار ملفات
pick-file = اختيار ملف
pick-files-hint = صور أو PDF أو غيرها
pick-drop = أو أفلت ملفاتك هنا
title-question = ما هذه الورقة؟
title-label = اسم الورقة
title-left = { $count ->
    [zero] لا ملفات بعد هذا ({ $count }).
    [one] بقي ملف واحد بعد هذا.
    [two] بقي ملفان بعد هذا.
    [few] بقيت { $count } ملفات بعد هذا.
    [many] بقي { $count } ملفًا بعد هذا.
   *[other] بقي { $count } ملف بعد هذا.
}
title-usual = أو المس اسمًا:
title-empty = أعطِ هذه الورقة اسمًا لتجدها لاحقًا.
title-put = وضعها في خزنتي
title-skip = عدم إضافتها
usual-identity = بطاقة الهوية
usual-permit = تصريح الإقامة
usual-passport = جواز السفر
usual-health = بطاقة الصحة
usual-benefit = شهادة الإعانات
usual-housing = شهادة العنوان
usual-bank = الحساب البنكي
usual-family = دفتر العائلة
usual-work = عقد العمل
usual-photo = صورة

# ورقة واحدة
gone-title = غير موجود
gone-taken-back = تم استرجاع هذا
gone-taken-back-what = كان هنا من قبل. لم يعد معطى لكم، ولا يمكن فتحه بعد الآن.
paper-damaged-title = ورقة تالفة
paper-look = عرض
paper-save = تنزيل
paper-saved = «{ $name }» صارت الآن في تنزيلات هذا الجهاز. هناك يستطيع أي شخص فتحها.
paper-added = أُضيفت في { $day }
paper-pages = { $count ->
    [zero] بلا صفحات ({ $count })
    [one] صفحة واحدة
    [two] صفحتان
    [few] { $count } صفحات
    [many] { $count } صفحة
   *[other] { $count } صفحة
}
paper-give = إعطاؤها لمؤسسة
paper-give-hint = حتى يوم تختاره أنت
paper-rename = تغيير الاسم
paper-replace = وضع نسخة جديدة
paper-replace-hint = صورة أوضح، أو ورقة أحدث
paper-rekey = تغيير المفتاح
paper-rekey-hint = إذا كان من الممكن أن أحدًا احتفظ بالقديم
paper-remove = حذف
seers-title = من يستطيع رؤيتها؟
seers-none = أنت وحدك.
seers-change = عرض أو استرجاع
look-opening = نفتح هذه الورقة…
look-other = لا يمكن عرض هذه الورقة هنا. يمكنك تنزيلها من صفحتها.
look-smaller = أصغر
look-larger = أكبر
look-frame = الورقة
look-page = الصفحة { $page } من { $pages }
look-page-label = { $title }، الصفحة { $page } من { $pages }
look-previous = الصفحة السابقة
look-next = الصفحة التالية
rename-title = تغيير الاسم
rename-do = تغيير الاسم
replace-title = وضع نسخة جديدة
replace-seen = { $count ->
    [zero] لا ترى هذه الورقة أي مؤسسة ({ $count }).
    [one] تستطيع مؤسسة واحدة رؤية هذه الورقة. سترى النسخة الجديدة أيضًا.
    [two] تستطيع مؤسستان رؤية هذه الورقة. ستريان النسخة الجديدة أيضًا.
    [few] تستطيع { $count } مؤسسات رؤية هذه الورقة. سترى النسخة الجديدة أيضًا.
    [many] تستطيع { $count } مؤسسة رؤية هذه الورقة. سترى النسخة الجديدة أيضًا.
   *[other] تستطيع { $count } مؤسسة رؤية هذه الورقة. سترى النسخة الجديدة أيضًا.
}
rekey-title = تغيير مفتاح هذه الورقة؟
rekey-when = يفيد هذا إذا كان من الممكن أن شخصًا استطاع فتح هذه الورقة قد احتفظ بمفتاحها: حاسوب ليس لك، أو شخص ترك مؤسسة، أو من استعدت الورقة منه.
rekey-what = يقفل جهازك الورقة من جديد بمفتاح جديد. تُمحى النسخة القديمة. المفتاح القديم لا يفتح شيئًا بعد الآن.
rekey-cannot = هذا لا يمحو ما رُئي. من فتح هذه الورقة ربما احتفظ بنسخة أو صورة منها.
rekey-seen = { $count ->
    [zero] لا ترى هذه الورقة أي مؤسسة ({ $count }).
    [one] تستطيع مؤسسة واحدة رؤية هذه الورقة. ستبقى قادرة على ذلك بعدها. إذا كنت لا تريد ذلك، فاستعد الورقة أولًا.
    [two] تستطيع مؤسستان رؤية هذه الورقة. ستبقيان قادرتين على ذلك بعدها. إذا كنت لا تريد ذلك، فاستعد الورقة أولًا.
    [few] تستطيع { $count } مؤسسات رؤية هذه الورقة. ستبقى قادرة على ذلك بعدها. إذا كنت لا تريد ذلك، فاستعد الورقة أولًا.
    [many] تستطيع { $count } مؤسسة رؤية هذه الورقة. ستبقى قادرة على ذلك بعدها. إذا كنت لا تريد ذلك، فاستعد الورقة أولًا.
   *[other] تستطيع { $count } مؤسسة رؤية هذه الورقة. ستبقى قادرة على ذلك بعدها. إذا كنت لا تريد ذلك، فاستعد الورقة أولًا.
}
rekey-yes = تغيير المفتاح
rekey-no = تركها كما هي
remove-title = حذف هذه الورقة؟
remove-what = ستختفي من خزنتك إلى الأبد. لن يستطيع أحد استعادتها.
remove-seen = كانت مؤسسة تستطيع رؤيتها. لن تستطيع فتحها بعد الآن. لكن ما رُئي فقد رُئي.
remove-yes = نعم، احذفها
draft-title = هذه الورقة لم تصل بعد
draft-what = هي مقفلة بالمفتاح على هذا الجهاز. أرسلها إلى خزنتك، أو اتركها.
draft-send = إرسالها إلى خزنتي
draft-drop = عدم الاحتفاظ بها
draft-drop-title = محو هذه الورقة من الجهاز؟
draft-drop-yes = نعم، امحُها

# الإعطاء
give-who-title = لمن تريد أن تعطي؟
give-who-known = تعرفها من قبل
give-who-compared = { $place } · قورنت في الاستقبال
give-who-search = البحث عن مؤسسة
give-who-hint = اسمها أو مدينتها
give-who-find = بحث
give-who-none = لم نجد أي مؤسسة. جرّب كلمة أخرى، أو اسأل عن الاسم الصحيح في الاستقبال.
compare-title = هل هذه حقًا { $name }؟
compare-lead = انظر إلى الرمز المعلّق في استقبال المؤسسة. امسح المربع، أو اكتب الحروف العشرين.
compare-code = رمز المؤسسة
compare-code-hint = 20 حرفًا ورقمًا، في مجموعات من 4
compare-typed = ما كتبته
compare-do = مقارنة
compare-why = لماذا؟ الاسم يمكن تقليده. هذا الرمز لا. إذا كان هو نفسه، فستذهب أوراقك إلى هذه المؤسسة وليس إلى غيرها. تفعل ذلك مرة واحدة فقط.
compared-title = نعم، إنها هي
compared-what = { $count ->
    [zero] الرمز صحيح. لا يعمل هناك أحد الآن ({ $count }).
    [one] الرمز صحيح. يعمل هناك شخص واحد ويستطيع فتح ما تعطيه.
    [two] الرمز صحيح. يعمل هناك شخصان ويستطيعان فتح ما تعطيه.
    [few] الرمز صحيح. يعمل هناك { $count } أشخاص ويستطيعون فتح ما تعطيه.
    [many] الرمز صحيح. يعمل هناك { $count } شخصًا ويستطيعون فتح ما تعطيه.
   *[other] الرمز صحيح. يعمل هناك { $count } شخص ويستطيعون فتح ما تعطيه.
}
compared-next = اختيار الأوراق
which-title = أي أوراق؟
which-lead = ضع علامة على ما تعطيه. الباقي لا يظهر.
which-empty = خزنتك فارغة. أضف ورقة أولًا.
which-next = { $count ->
    [0] ضع علامة على ورقة
    [zero] ضع علامة على ورقة
    [one] المتابعة بورقة واحدة
    [two] المتابعة بورقتين
    [few] المتابعة بـ { $count } أوراق
    [many] المتابعة بـ { $count } ورقة
   *[other] المتابعة بـ { $count } ورقة
}
until-title = حتى متى؟
until-lead = بعد ذلك اليوم لن تستطيع المؤسسة الفتح. ويمكنك الاسترجاع قبله.
until-day = يوم واحد
until-week = أسبوع
until-month = شهر
until-quarter = ثلاثة أشهر
until-own = يوم آخر
until-no-day = هذا اليوم غير موجود. راجع الأرقام الثلاثة.
until-past = هذا اليوم مضى.
date-day = اليوم
date-month = الشهر
date-year = السنة
why-title = كلمة للمؤسسة؟
why-lead = يمكنك ترك ذلك فارغًا.
why-signed = كيف يعرفونك
why-signed-hint = اسم، أو رقم ملف…
why-purpose = لماذا تعطي هذه الأوراق
why-purpose-hint = مثلًا: طلب سكن
confirm-title = هل تعطي هذا؟
confirm-to = إلى
confirm-until = حتى
confirm-as = التوقيع
confirm-why = من أجل
confirm-note = ستُرى النسخ الجديدة من هذه الأوراق أيضًا. يمكنك الاسترجاع في أي وقت.
confirm-yes = نعم، أعطِ
confirm-no = لا، رجوع
done-title = تم الإعطاء
done-what = { $count ->
    [zero] لا ترى { $name } أي ورقة ({ $count })، حتى { $day }.
    [one] تستطيع { $name } رؤية ورقة واحدة حتى { $day }.
    [two] تستطيع { $name } رؤية ورقتين حتى { $day }.
    [few] تستطيع { $name } رؤية { $count } أوراق حتى { $day }.
    [many] تستطيع { $name } رؤية { $count } ورقة حتى { $day }.
   *[other] تستطيع { $name } رؤية { $count } ورقة حتى { $day }.
}
done-back = سترى من يفتحها ومتى. يمكنك الاسترجاع متى شئت.
done-who = من يرى ماذا

# من يرى ماذا، والاسترجاع
who-title = من يرى ماذا
who-lead = يمكنك الاسترجاع في أي وقت.
who-none = لا أحد. أنت وحدك ترى أوراقك.
who-past = من قبل
grant-until = حتى { $day }
grant-renewed = أُعطي في { $from }. مفتاح جديد في { $day }، لأن أحدهم غادر المؤسسة.
grant-ended = انتهى في { $day }
grant-closed = أُغلق هذا المكان. لا أحد هناك يستطيع فتحها بعد الآن.
grant-taken_back = استرجعتها. (كانت معطاة حتى { $day }.)
grant-opened = { $count ->
    [zero] لم تُفتح ({ $count })، { $when }
    [one] فُتحت مرة واحدة، في { $when }
    [two] فُتحت مرتين، آخرها في { $when }
    [few] فُتحت { $count } مرات، آخرها في { $when }
    [many] فُتحت { $count } مرة، آخرها في { $when }
   *[other] فُتحت { $count } مرة، آخرها في { $when }
}
grant-unopened = لم تُفتح بعد
take-back = استرجاع
taken-title = تم الاسترجاع
taken-now = من الآن لا تستطيع هذه المؤسسة فتح هذه الأوراق.
taken-unseen = لم يفتحها أحد.
taken-seen = قبل ذلك، كان قد فُتح ما يلي:
taken-honest = ما رُئي فقد رُئي. ربما أُخذت نسخة.
opened-by = { $name }، الموظف رقم { $number }، في { $when }

# ما حدث
trace-title = ما حدث
trace-lead = كل ما حدث في خزنتك.
trace-a-paper = ورقة
trace-quoted = «{ $title }»
trace-opened_safe = فتحت خزنتك.
trace-added = أضفت { $title }.
trace-renamed = غيّرت اسمًا: { $title }.
trace-replaced = وضعت نسخة جديدة من { $title }، أو غيّرت مفتاحها.
trace-accepted = أخذت { $title } إلى خزنتك. كان أحد قد أرسلها إليك.
trace-refused = رفضت ورقة أرسلها إليك أحد.
trace-removed = حذفت { $title }.
trace-given = أعطيت { $title } إلى { $name }، حتى { $day }.
trace-renewed = ما أعطيته إلى { $name } صار له مفتاح جديد، لأن أحدهم غادر المؤسسة.
trace-rewrapped = { $name } غيّر مفتاحه، لأن أحدهم غادر هناك. لم ينظر أحد إلى أوراقك من أجل ذلك.
trace-listed = { $name } (الموظف { $number }) نظر إلى قائمة ما أعطيته.
trace-seen = { $name } (الموظف { $number }) فتح { $title }.
trace-taken_back = استرجعت ما أعطيته إلى { $name }.
trace-ended = انتهى الوقت: { $name } لا تستطيع فتح ما أعطيته بعد الآن.
trace-device_added = { $here ->
    [yes] دخل هذا الجهاز إلى خزنتك.
   *[no] دخل جهاز آخر إلى خزنتك.
}
trace-device_retired = { $here ->
    [yes] أُزيل هذا الجهاز.
   *[no] أُزيل جهاز آخر.
}
trace-lock_set = أُضيفت طريقة للدخول.
trace-lock_retired = أُزيلت طريقة للدخول.

# الإعدادات
settings-title = الإعدادات
settings-handle = اسم خزنتك:
settings-word = كلمة جهة واحدة: لا أحد غير الخدمة يؤكد أن خزنتك تظهر كما هي، ولا أن يوم نهاية قد مضى.
settings-lock = إغلاق الآن
settings-lock-hint = ستحتاج إلى كلماتك للعودة
settings-leave = خروج
settings-leave-hint = من هذا الجهاز، أو من كل مكان
settings-language = اللغة
settings-ways = العودة إلى خزنتي
settings-devices = أجهزتي
settings-away = أخذ كل شيء
settings-away-hint = كل أوراقك في ملف واحد
settings-close = إغلاق خزنتي إلى الأبد
ways-title = العودة إلى خزنتك
ways-lead = ما يفتح خزنتك إذا ضاع هذا الجهاز:
ways-words = كلماتك الست
ways-words-what = مع اسم خزنتك.
ways-sheet = ورقة النجدة
ways-sheet-what = وحدها. احفظها بعيدًا عن كلماتك الست.
ways-one = لم تبقَ لك إلا طريقة واحدة للدخول. حافظ عليها جيدًا.
ways-nobody = لا نستطيع فتح خزنتك بدلًا منك: المفتاح ليس معنا.
devices-title = أجهزتي
devices-lead = الأجهزة التي دخلت إلى خزنتك.
devices-this = هذا الجهاز
devices-other = جهاز آخر
devices-since = منذ { $day }
devices-retire = إزالة هذا الجهاز
devices-retire-title = هل تزيل هذا الجهاز؟
devices-retire-what = يُغلق فورًا. ولا يعود إلا بكلماتك أو بورقتك.
devices-retire-work = إن كنت تعمل في مؤسسة، فلن يقرأ هذا الجهاز فيها شيئًا بعد الآن.
devices-retire-yes = نعم، أزله
devices-lost = جهاز ضائع أو مسروق؟ أزله هنا، أو سجّل الخروج من كل مكان: لن يعود إلا بكلماتك.
away-title = أخذ كل شيء
away-lead = كل أوراقك كما وضعتها، مع قائمة. في ملف واحد.
away-care = هذا الملف غير مقفل. من يملكه يقرأ كل شيء. لا تتركه على جهاز مشترك.
away-do = تجهيز الملف
away-busy = نجمع أوراقك…
away-done = الملف في تنزيلات هذا الجهاز.
away-name = أوراقي
leave-title = خروج
leave-lead = تبقى أوراقك في خزنتك. ستحتاج إلى كلماتك أو ورقتك للعودة.
leave-here = الخروج من هذا الجهاز
leave-here-hint = يبقى اسم خزنتك فقط، وفقط إن كان هذا الجهاز لك وحدك
leave-everywhere = الخروج من كل مكان
leave-everywhere-hint = تُغلق كل أجهزتك، وهذا أيضًا
close-title = إغلاق إلى الأبد
close-lead = هل هذا ما تريده حقًا؟
close-what = ستُمحى كل أوراقك. لن يستطيع أحد استعادتها: لا أنت ولا نحن.
close-first = هل تريد أولًا أن تأخذ كل شيء؟
close-next = أريد إغلاق خزنتي
close-no = لا، أبقيها
close-sure-title = السؤال الأخير
close-type = للإغلاق، اكتب هذه الكلمة:
close-word = إغلاق
close-yes = إغلاق إلى الأبد

# صفحة المؤسسات
begin-title = أهلًا بك
begin-found = إنشاء مؤسستنا
begin-found-hint = ستكون مسؤولًا عنها
begin-link = هل وصلك رابط دعوة؟
begin-link-hint = افتح ذلك الرابط في هذا المتصفح، ثم ادخل هنا.
found-title = إنشاء مؤسستك
found-lead = سيجدها الناس باسمها ومدينتها.
found-name = اسم المؤسسة
found-name-hint = كما هو مكتوب على الباب
found-place = المدينة
found-sheet-stays = تبقى الورقة التي طبعتها هي الصحيحة.
found-busy = نصنع مفاتيح المؤسسة…
my-name = اسمك
my-name-hint = سيراه زملاؤك. الناس يرون رقمك فقط.
join-title = الانضمام إلى الفريق
join-lead = لقد دُعيت. ما اسمك؟
join-do = انضمام
join-not = هذا ليس لي
waiting-operator-title = في انتظار الموافقة
waiting-operator = أُنشئت { $name }. يجب الآن أن يقبلها مسؤول الخدمة.
waiting-manager-title = انتظار
waiting-manager = يجب أن يفتح أحد مسؤولي { $name } صفحته. ثم تدخل وحدك.
waiting-colleague-title = عودة
waiting-colleague = لا يعرف هذا الجهاز { $name } بعد. يجب أن يفتح أحد الزملاء صفحته، أو أن تفتح صفحتك على جهاز آخر لك. ثم تدخل وحدك.
waiting-colleague-devices = هل ضاع جهاز آخر لك، أو مُسح ما عليه؟ أزله: فيخرج من { $name } أيضًا.
waiting-colleague-nobody = ألم يعد أحد يستطيع فتح صفحته على أي جهاز؟
again-title = البدء من جديد بورقة المؤسسة
again-lead = على ورقة { $name } التي طُبعت عند إنشائها حروف.
again-care = فقط إذا لم يعد أحد يستطيع الدخول. تصبح أنت مسؤولًا. ما أُعطي للمؤسسة يبقى مقروءًا، ويدخل الآخرون من جديد حين تكون صفحتك مفتوحة.
again-do = البدء من جديد
waiting-pass-on = يُرسل إلى مسؤول الخدمة
waiting-command = الأمر المطلوب تشغيله
waiting-looking = هذه الصفحة تنظر وحدها. يمكنك تركها مفتوحة.
received-title = ما ائتُمنّا عليه
received-none = لم يعطكم أحد شيئًا بعد.
received-how = أظهروا رمزكم في الاستقبال: يقارنه الناس، ثم يختارون ما يعطونكم.
received-code = عرض رمزنا
received-unnamed = بلا اسم
received-papers = { $count ->
    [zero] بلا أوراق ({ $count })
    [one] ورقة واحدة
    [two] ورقتان
    [few] { $count } أوراق
    [many] { $count } ورقة
   *[other] { $count } ورقة
}
renewal-progress = غادر أحدهم: نجدّد المفاتيح. تم { $done } من { $all }.
renewal-done = غادر أحدهم: تم تجديد المفاتيح.
renewal-waits = زميل يفتح هذه الصفحة يؤكد ذلك. وبعد أسبوع يتم ذلك من دونه.
renewal-alone = أنت وحدك هنا: تزول المفاتيح القديمة بعد أسبوع.
renewal-kept = قد يكون من غادر قد احتفظ بما فتحه. المفاتيح الجديدة لا تغيّر ذلك.
renewal-broken = { $name } (الرقم { $number }) وضع هنا مفاتيح لا تفتح. تم التخلص منها ولم يضع شيء. تحدثوا معه أو مع مسؤول.
renewal-said = { $name } (الرقم { $number }) قال إن مفتاحًا سليمًا لا يفتح. لم يضع شيء. تحدثوا معه أو مع مسؤول.
given-dates = أُعطيت في { $from }، حتى { $day }
given-open = فتح
given-damaged = هذه الورقة تالفة ولا تُفتح. الأوراق الأخرى سليمة. اطلبوا من الشخص أن يضعها من جديد.
given-receipt = يرى الشخص من يفتح أوراقه، ومتى.
given-unchecked = لم نستطع التحقق من أن هذا ما زال معطى وأنه الأحدث. يمكنك القراءة. اسأل الشخص إن كان ذلك مهمًا.
team-title = الفريق
team-lead = من هم خارج الفريق يرون رقمك، لا اسمك.
team-me = أنت
team-manager = مسؤول
team-worker = موظف
team-number = رقم { $number }
team-invited = الدعوات
team-invitation-open = لم تُفتح بعد. صالحة حتى { $when }.
team-invitation-asked = على وشك الدخول: أبقِ هذه الصفحة مفتوحة. (حتى { $when }.)
team-invite = دعوة شخص
team-invite-hint = برابط، لشخص واحد فقط
invite-title = من تدعو؟
invite-made-title = الرابط جاهز
invite-lead = سلّم الرابط باليد، أو بطريقة آمنة.
invite-name = اسم الشخص
invite-do = إنشاء الرابط
invite-link = رابط الدعوة
invite-copy = نسخ الرابط
invite-once = يعمل هذا الرابط مرة واحدة فقط، حتى { $when }. لا يُعرض إلا هنا.
invite-stay = عندما يفتح الشخص الرابط، أبقِ صفحتك مفتوحة لحظة: هي التي تُدخله.
poster-title = رمزنا
poster-lead = يُعلّق في الاستقبال. يقارنه الناس قبل أن يعطوكم ورقة.
poster-qr = مربع للمسح: رمز المؤسسة
poster-say = قارن هذا الرمز قبل أن تعطي أوراقك.
poster-print = طباعة الملصق

# عندما لا تسير الأمور كما يجب: ما العمل، ولا شيء ضاع.
error-wait-seconds = { $seconds ->
    [zero] حاول بعد { $seconds } ثانية.
    [one] حاول بعد ثانية واحدة.
    [two] حاول بعد ثانيتين.
    [few] حاول بعد { $seconds } ثوانٍ.
    [many] حاول بعد { $seconds } ثانية.
   *[other] حاول بعد { $seconds } ثانية.
}
error-wait-minutes = { $minutes ->
    [zero] حاول بعد { $minutes } دقيقة.
    [one] حاول بعد دقيقة واحدة.
    [two] حاول بعد دقيقتين.
    [few] حاول بعد { $minutes } دقائق.
    [many] حاول بعد { $minutes } دقيقة.
   *[other] حاول بعد { $minutes } دقيقة.
}
error-wrong_words_or_handle = اسم الخزنة والكلمات لا تتوافق. انظر إلى ورقتك، كلمة كلمة، وحاول مرة أخرى. أوراقك في أمان.
error-words_misread = الكلمة رقم { $place } ليست في قائمتنا. انظر جيدًا كيف كُتبت.
error-wrong_sheet = هذه الورقة لا تفتح أي خزنة. راجع الحروف. ربما حلّت محلها ورقة أحدث.
error-sheet_misread = يوجد حرف خاطئ أو ناقص. أعد قراءة الورقة، مجموعة مجموعة.
error-wrong_paper = هذه الحروف ليست حروف ورقة هذه المؤسسة.
error-too_many_tries = محاولات كثيرة الآن. أوراقك في أمان. ورقة النجدة ما زالت تعمل.
error-too_many_requests = يوجد ازدحام الآن. لم يضع شيء. انتظر قليلًا.
error-offline = لا يوجد إنترنت. لم يضع شيء. حاول عندما يعود.
error-server_down = الخدمة لا تستجيب. لم يضع شيء. حاول بعد بضع دقائق.
error-undecodable = أجابت الخدمة بشيء لا تعرفه هذه الصفحة. لم يضع شيء. أعد تحميل الصفحة. إذا رأيت هذه الرسالة من جديد، فتحدّث مع المؤسسة التي تساعدك.
error-damaged = هذه الورقة تالفة ولا تُفتح. بقية خزنتك سليمة. إذا كان الأصل معك، فأضفه من جديد.
error-not_found = ما تبحث عنه لم يعد هنا. حُذف، أو استُرجع، أو انتهى وقته.
error-file_too_large = هذا الملف كبير جدًا: الحد هو { $limit }. لم يُرسل شيء. جرّب صورة أصغر.
error-file_unreadable = لا نستطيع قراءة هذا الملف. جرّب تصويره، أو احفظه بصيغة JPEG أو PDF.
error-pdf_has_password = لهذا الملف كلمة سر خاصة به. لا نستطيع عرضه هنا. نزّله لتفتحه.
error-storage_full = لم يبقَ مكان في الخدمة. لم يضع شيء، وما زلت تستطيع قراءة أوراقك. حاول لاحقًا.
error-too_many_things = لا تتسع خزنتك لأكثر من ذلك. احذف ورقة لم تعد تحتاج إليها، أو استرجع ما أعطيته، ثم حاول مرة أخرى.
error-quota_full = خزنتك ممتلئة. احذف ورقة لم تعد تحتاج إليها، ثم حاول مرة أخرى.
error-fork = انتبه: الخدمة لا تُظهر الشيء نفسه للجميع. نتوقف هنا لحمايتك. تحدّث مع المؤسسة التي تساعدك.
error-rollback = انتبه: الخدمة تُظهر حالة قديمة لخزنتك. لن نلمسها، لحمايتك. تحدّث مع المؤسسة التي تساعدك.
error-other_chain = انتبه: هذه ليست المؤسسة التي عرفتها. لا تعطِ شيئًا. اذهب إلى استقبالها وتحدّث عن ذلك.
error-code_misread = يوجد حرف خاطئ أو ناقص في الرمز. أعد قراءته، مجموعة مجموعة.
error-code_differs = هذا ليس رمز هذه المؤسسة. أعد قراءته، مجموعة مجموعة. إذا كان مكتوبًا بشكل صحيح، فلا تعطِ شيئًا واسأل في الاستقبال.
error-structure_not_accepted = لم تُقبل هذه المؤسسة بعد في الخدمة. يمكنك إعطاؤها أوراقًا لاحقًا.
error-not_a_member = لم تعد في هذا الفريق. اسأل المسؤول.
error-invitation_used = استُعمل هذا الرابط من قبل. اطلب رابطًا آخر من المسؤول.
error-invitation_ended = لم يعد هذا الرابط صالحًا: كان ليوم واحد. اطلب رابطًا آخر من المسؤول.
error-invitation_misread = هذا الرابط غير كامل. انسخه كله وافتحه من جديد.
error-grant_ended = لم يعد لك وصول إلى هذه الورقة: استرجعها صاحبها، أو انتهى الوقت.
error-taken_back = تم استرجاع هذا: كان هنا من قبل، ولا يمكن فتحه بعد الآن.
error-handle_taken = اسم الخزنة هذا مأخوذ. ابدأ من جديد: سيُختار اسم آخر.
error-session_ended = أُغلقت خزنتك، ربما من جهاز آخر. ادخل من جديد. لم يضع شيء.
error-address_misread = هذا ليس مربع خزنة شخص ولا نصها. اطلب منه أن يعرضه مرة أخرى على شاشته.
error-other_log = هذا المربع لا يناسب هذه الخدمة: صنعته خدمة أخرى، أو تعرض هذه الخدمة سجلًا غير الذي كان عند صنعه. لم يحدث شيء. اكتب الحروف بدلًا منه، وأخبر المؤسسة التي تساعدك.
error-conflict = جهاز آخر لك غيّر الشيء نفسه في الوقت نفسه. لم يضع شيء. حاول مرة أخرى.
error-stale = تغيّرت خزنتك في هذه الأثناء. لم يضع شيء. حاول مرة أخرى.
error-busy_elsewhere = خزنتك مفتوحة في نافذة أخرى من هذا المتصفح. أغلقها، ثم حاول مرة أخرى.
error-unsupported_browser = هذا المتصفح قديم ولا يستطيع قفل أوراقك. حدّثه، أو جرّب Firefox أو Chrome أو Safari. لم يُرسل شيء.
error-newer_version = توجد نسخة أحدث من هذه الصفحة. أعد تحميل الصفحة. لم يضع شيء.
error-bad_request = لم تفهم الخدمة هذا الطلب. لم يضع شيء. أعد تحميل الصفحة وحاول مرة أخرى.
error-not_compared = قارن أولًا رمز هذه المؤسسة في استقبالها.
error-needs_own_device = هذا ممكن فقط على جهاز لك وحدك. ادخل من جديد وقل إن هذا الجهاز لك.
error-forged = انتبه: ما أرسلته الخدمة غير موقّع كما يجب. لن نستعمله، لحمايتك. تحدّث مع المؤسسة التي تساعدك.
error-withheld = انتبه: الخدمة لا تُظهر كل شيء، وتخفي ما هو أحدث. نتوقف هنا لحمايتك. لم يضع شيء. تحدّث مع المؤسسة التي تساعدك.
error-shown_taken_back = انتبه: تم استرجاع هذا، وما زالت الخدمة تعرضه. لن نفتحه. تحدّث مع من يدير الخدمة.
error-old_version = انتبه: عرضت الخدمة نسخة قديمة من هذه الورقة وتخفي النسخة الأحدث. لن نفتحها. لم يضع شيء. تحدّث مع من يدير الخدمة.
error-retired_device = انتبه: هذا موقّع من جهاز أزاله صاحبه. لن نفتحه. اسأل صاحبه، أو تحدّث مع من يدير الخدمة.
error-log_forked = انتبه: السجل العام للخدمة لم يعد السجل الذي رآه هذا الجهاز. نتوقف هنا لحمايتك. لم يضع شيء. تحدّث مع المؤسسة التي تساعدك.
error-log_forged = انتبه: السجل العام للخدمة غير موقّع كما يجب. نتوقف هنا لحمايتك. لم يضع شيء. تحدّث مع المؤسسة التي تساعدك.
error-log_unanswered = لم نستطع التحقق من السجل العام. لم يُعطَ شيء ولم يضع شيء. حاول لاحقًا.
error-log_witnesses = لم يؤكد الشهود السجل العام بعد. لم يُعطَ شيء ولم يضع شيء. حاول بعد بضع دقائق.
error-log_stale = عمر السجل العام أكثر من يوم. لم يُعطَ شيء ولم يضع شيء. تأكد من أن تاريخ هذا الجهاز صحيح، ثم حاول لاحقًا.
error-log_ahead = تاريخ هذا الجهاز متأخر. لم يُعطَ شيء ولم يضع شيء. صحّح التاريخ ثم حاول.
error-log_behind = المؤسسة تغيّرت للتو، والسجل العام لا يُظهر ذلك بعد. لم يُعطَ شيء ولم يضع شيء. حاول بعد دقيقة.
error-refused = رفضت الخدمة هذا الطلب. لم يضع شيء. أعد تحميل الصفحة وحاول مرة أخرى.
error-unavailable = الخدمة مشغولة جدًا الآن. لم يضع شيء. حاول بعد بضع دقائق.
error-method_not_allowed = لم تفهم الخدمة هذا الطلب. لم يضع شيء. أعد تحميل الصفحة وحاول مرة أخرى.
error-internal = حدث خطأ ما. لم يضع شيء. حاول مرة أخرى؛ وإذا تكرر، فأعد تحميل الصفحة.
error-close_word = هذه ليست الكلمة المطلوبة. خزنتك لم تتغير.

# أوراق الآخرين
safe-inbox = استلام ورقة
safe-inbox-waits = { $count ->
    [zero] لا تنتظرك أي ورقة ({ $count }).
    [one] تنتظرك ورقة واحدة من أحد.
    [two] تنتظرك ورقتان من آخرين.
    [few] تنتظرك { $count } أوراق من آخرين.
    [many] تنتظرك { $count } ورقة من آخرين.
   *[other] تنتظرك { $count } ورقة من آخرين.
}
safe-inbox-look = انظر
inbox-title = أوراق من آخرين
inbox-lead = ليست في خزنتك. القرار لك.
inbox-none = لا شيء ينتظر.
inbox-from = من { $name } (هكذا يقول)، الشخص { $number } في { $structure }
inbox-compared = قورن الرمز عند المكتب.
inbox-not-compared = لم يُقارن الرمز قط.
inbox-until = تنتظر حتى { $day }، ثم تُمحى.
inbox-open = انظر إليها
inbox-apart = { $count ->
    [zero] لا شيء لا يمكن الوثوق به ({ $count })
    [one] شيء واحد لا يمكن الوثوق به
    [two] شيئان لا يمكن الوثوق بهما
    [few] { $count } أشياء لا يمكن الوثوق بها
    [many] { $count } شيئًا لا يمكن الوثوق بها
   *[other] { $count } شيء لا يمكن الوثوق بها
}
inbox-apart-what = لم يُفتح شيء منها. لا تحتاج إلى فعل شيء.
inbox-apart-forged = لم يوقّع هذا أحد من تلك المؤسسة.
inbox-apart-left = من وقّع هذا لم يعد في تلك المؤسسة.
inbox-apart-misdirected = كان هذا مقفلًا لشخص آخر.
inbox-apart-replayed = أخذت هذا أو رفضته من قبل.
inbox-apart-damaged = هذا لا يُفتح.
inbox-away = أبعده
inbox-address = لاستلام ورقة
inbox-address-what = أرِ هذا للشخص الذي يريد أن يعطيك ورقة. يستطيع أن يرسل إليك أوراقًا به. لا يرى شيئًا من خزنتك.
inbox-copy = نسخ النص
deposit-compared = قارنت رمز «{ $structure }» ({ $place }) عند مكتبها.
deposit-not-compared = لم تقارن قط رمز «{ $structure }» ({ $place }). إذا كنت لا تعرف هؤلاء الناس، فارفض.
deposit-take = خذها إلى خزنتي
deposit-refuse = رفض
deposit-refuse-what = لن يعرف من أرسلها أنك رفضت.
hand-title = إعطاء ورقة لشخص
hand-lead = تُقفل له على هذا الجهاز. هو يقرر إن كان يأخذها.
hand-private = لن تستطيع فتحها مرة أخرى من هنا، ولا رؤية شيء آخر لذلك الشخص.
hand-whose = لمن
hand-whose-hint = يعرضه الشخص على شاشته: «استلام ورقة»
hand-whose-empty = امسح المربع الذي يعرضه الشخص، أو ألصق نصه.
hand-scan = مسح المربع
hand-type = الكتابة أو اللصق بدل ذلك
hand-name = اسمك كما يعرفك الشخص
hand-name-empty = قل من أنت.
hand-message = بضع كلمات له
hand-send = إرسال
hand-sending = في الطريق…
hand-done = أُرسلت. الشخص يقرر إن كان يأخذها.
hand-sent = ما أرسلته
hand-taken = أخذها.
hand-waits = لم تؤخذ بعد. تنتظر حتى { $day }.
