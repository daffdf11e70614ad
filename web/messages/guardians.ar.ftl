guardians-title = من يستطيع أن يعيدك
guardians-lead = إذا ضاع منك كل شيء، يساعدك أشخاص تختارهم على فتح خزنتك من جديد. لا يستطيع أحد منهم فتحها وحده.
guardians-begin = اخترهم
guardians-left = { $left ->
    [zero] لم يبقَ أحد. يلزم { $needed }.
    [one] بقي واحد. يلزم { $needed }.
    [two] بقي اثنان. يلزم { $needed }.
    [few] بقي { $left }. يلزم { $needed }.
    [many] بقي { $left }. يلزم { $needed }.
   *[other] بقي { $left }. يلزم { $needed }.
  }
guardians-few = لم يعودوا قادرين على إعادتك. اختر غيرهم الآن.
guardians-just = لا يجوز أن ينقص أحد بعد. اختر غيرهم قريبًا.
guardians-resigned = لم يعد يريد المساعدة
guardians-closed = هذا المكان أُغلق
guardians-know-you = يعرفونك باسم
guardians-since = اخترتهم يوم { $day }
guardians-told = إذا حاول أحد أن يعود مكانك، تخبرك أجهزتك. توقف كل شيء بلمسة واحدة.
guardians-change = الاختيار من جديد
guardians-change-hint = أشخاص آخرون، أو عدد آخر، أو اسم آخر
guardians-end = لا أحد بعد الآن
guardians-end-title = لا أحد بعد الآن؟
guardians-end-lead = لن يستطيع أحد أن يعيدك. حافظ جيدًا على بطاقاتك وكلماتك وورقتك. خلال 30 يومًا ما زال السابقون يستطيعون ذلك معًا إذا سرق أحد خزنتك، وستخبرك أجهزتك.
guardians-end-yes = نعم، لا أحد
naming-three = مكانان وشخص، ويكفي اثنان منهم
naming-what-title = إذا قال عدد منهم نعم
naming-what-lead = ضاع منك كل شيء؟ يتعرف عليك عدد منهم، فتُفتح خزنتك.
naming-what-alone = لا يستطيع أحد ذلك وحده. وقبل ذلك لا يرون شيئًا من أوراقك.
naming-what-wait = يلزم الانتظار سبعة أيام.
naming-what-told = تخبرك أجهزتك فورًا. لست أنت؟ توقف كل شيء بلمسة واحدة.
naming-who-title = من سيتعرف عليك؟
naming-who-lead = الأفضل: مكانان وشخص واحد.
naming-twice = اخترت هذا من قبل.
naming-chosen = { $count ->
    [zero] لا أحد بعد
    [one] اخترت واحدًا
    [two] اخترت اثنين
    [few] اخترت { $count }
    [many] اخترت { $count }
   *[other] اخترت { $count }
  }
naming-remove = إزالة { $name }
naming-next = { $count ->
    [zero] المتابعة
    [one] المتابعة مع واحد
    [two] المتابعة مع هذين الاثنين
    [few] المتابعة مع هؤلاء الـ{ $count }
    [many] المتابعة مع هؤلاء الـ{ $count }
   *[other] المتابعة مع هؤلاء الـ{ $count }
  }
naming-place = مكان
naming-place-hint = مركز استقبال أو مأوى أو مكتب يعرفك
naming-place-title = أي مكان يعرفك؟
naming-compare-lead = في استقبال هذا المكان رمز معروض. امسح مربّعه أو اكتب حروفه الـ20.
naming-compare-why = لماذا؟ الاسم يمكن نسخه. هذا الرمز لا. إذا كان مطابقًا، فهذا المكان هو من يستطيع مساعدتك، لا غيره. تفعل ذلك مرة واحدة فقط.
naming-person = شخص
naming-person-hint = صديقة أو أخ له خزنة أيضًا
naming-paper = ورقة
naming-paper-hint = يحفظها لك أحد
naming-one-place = شخصان من المكان نفسه يُحسبان واحدًا: اختر أماكن مختلفة. لا تختر أحدًا تخاف منه.
naming-person-lead = يفتح هذا الشخص خزنته، ويلمس «استلام ورقة»، ويُريك المربّع.
naming-person-type = كتابة النص أو لصقه
naming-person-text = النص تحت المربّع
naming-person-how = انظر إلى شاشته بنفسك، أو خذ النص منه مباشرة.
naming-person-own = هذه خزنتك أنت. يلزم خزنة شخص آخر.
naming-person-name = من هو؟
naming-person-call = الاسم الذي تسميه به
naming-person-call-hint = لك وحدك. مثلًا: أختي
naming-paper-lead = اطبعها أو انسخ الحروف. أعطها لأحد، أو خبّئها بعيدًا من هنا.
naming-paper-care = هذه الورقة وحدها لا تفتح شيئًا. لا تحفظها مع أوراقك الأخرى.
naming-paper-next = معي هذه الورقة
naming-paper-check-title = لنراجع هذه الورقة
naming-paper-check-lead = انظر إلى الورقة التي صنعتها الآن.
naming-paper-check-letters = آخر 4 حروف من الورقة
naming-paper-check-wrong = هذه ليست آخر 4 حروف. انظر إلى نهاية السطر الأخير وحاول من جديد.
naming-paper-check-again = رؤية الورقة من جديد
naming-paper-where = أين ستكون هذه الورقة؟
naming-paper-call = المكان
naming-paper-call-hint = لك وحدك. مثلًا: عند أمينة
guardian-paper-title = احفظ هذه الورقة
guardian-paper-what = تساعد شخصًا على العودة، مع آخرين. وحدها لا تفتح شيئًا. أعدها إليه عندما يأتي ويطلبها بنفسه.
naming-needed-title = كم يجب أن يقولوا نعم؟
naming-needed-lead = لا يهم من يقول نعم، المهم هو العدد.
naming-needed = يكفي { $count } من { $all }، أيًّا كانوا
naming-needed-both = يلزمون كلهم: { $count } من { $all }
naming-needed-advised = الأفضل
naming-needed-all = انتبه: إذا غاب واحد فقط، فلا أحد يستطيع أن يعيدك.
naming-known-title = كيف يعرفونك؟
naming-known-lead = سيرون هذه الكلمات ليجدوك.
naming-name = اسمك كما يقولونه
naming-name-hint = يكفي اسم أول أو لقب
naming-name-empty = اكتب على الأقل اسمًا أول أو لقبًا.
naming-known = بماذا يتعرفون عليك
naming-known-hint = مثلًا: السيدة صاحبة الكلب الصغير. يمكنك تركه فارغًا.
naming-before = خلال 30 يومًا ما زال السابقون يستطيعون أن يعيدوك معًا إذا غيّر سارق خزنتك، وستخبرك أجهزتك.
naming-yes-title = هل هذا صحيح؟
naming-yes = نعم، هؤلاء
naming-yes-what = { $count ->
    [zero] يستطيعون إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
    [one] يستطيع واحد منهم إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
    [two] يستطيع اثنان منهم معًا إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
    [few] يستطيع { $count } منهم معًا إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
    [many] يستطيع { $count } منهم معًا إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
   *[other] يستطيع { $count } منهم معًا إعادتك بعد سبعة أيام. ستعرف بذلك، ويمكنك إيقافه.
  }
back-title = العودة بلا شيء
back-lead = أشخاص اخترتهم من قبل يستطيعون مساعدتك.
back-new = أبدأ
back-new-hint = تحصل على بطاقة عودة مع رقم سري
back-have = معي بطاقة عودة
back-have-hint = لترى أين وصل الأمر، أو لتفتح
back-how = اذهب إلى مكان أو شخص اخترته من قبل. يتعرفون عليك، ثم يلزم الانتظار بضعة أيام.
back-card = بطاقة عودتي
back-pin-lead = الأرقام الستة لبطاقة العودة.
back-paper-title = بطاقة عودتك
back-paper-lead = اطبعها أو انسخ الحروف الـ36. ستحتاج إليها بعد أيام.
back-paper-says = بطاقة عودة + رقم سري
back-paper-care = احفظها معك. لا تكتب الرقم السري عليها. من دونها تبدأ كل شيء من جديد.
back-show = أظهر هذا المربّع
back-show-lead = يمسحه مكان أو شخص اخترته من قبل، وأنت معه.
back-show-next = ما زال أحد ناقصًا: أظهر هذا المربّع لشخص آخر
back-square = المربّع الذي تُظهره
back-letters = لا كاميرا؟ هذه الحروف تفعل الشيء نفسه. وهي لا تفتح شيئًا.
back-print = طباعة هذا المربّع
back-nobody = لم يمسحه أحد بعد ({ $time }). هذه الصفحة تنظر وحدها.
back-waits-title = عودتك في الطريق
back-letters-same = الأحرف نفسها التي على شاشة من يساعدك. أحرف أخرى؟ ليست خزنتك: توقف.
back-over-keys = في { $day } حصلت هذه الخزنة على مفاتيح أخرى. ما وُضع فيها منذ ذلك الوقت سيبقى مغلقًا، ومن دخل بتلك المفاتيح لن يدخل بعد الآن.
back-begun = بدأت يوم { $time }
back-vouched = { $count ->
    [zero] لم يقل أحد نعم بعد. يلزم { $needed }.
    [one] قال واحد نعم. يلزم { $needed }.
    [two] قال اثنان نعم. يلزم { $needed }.
    [few] قال { $count } نعم. يلزم { $needed }.
    [many] قال { $count } نعم. يلزم { $needed }.
   *[other] قال { $count } نعم. يلزم { $needed }.
  }
back-unsound = تعرض الخدمة موافقة لم يوقّعها أحد من المختارين. لا تُحتسب.
back-ready-at = تُفتح خزنتك يوم { $day }
back-ready-at-least = ليس قبل { $day }
back-later = يمكنك إغلاق هذه الصفحة. عد متى شئت، على أي جهاز، ببطاقة عودتك ورقمها السري.
back-strict = أُوقفت عودة قبل مدة قصيرة. هذه المرة يلزم أشخاص أكثر ووقت أطول.
back-have-paper = معي الورقة التي كان أحد يحفظها
back-ready-title = يمكنك أن تعود
back-ready = انتهى الوقت.
back-open = فتح خزنتي
back-open-what = تصنع أولًا مفاتيح جديدة. ما ضاع لا يفتح شيئًا بعد ذلك.
back-spoilt = ما يأتي من { $who } (رقم { $number }) لا يناسب هذه الخزنة. لم يضع شيء. أظهر المربّع لشخص آخر اخترته من قبل.
back-stopped-title = أُوقفت هذه العودة
back-stopped = قال أحد أجهزة الشخص إنه ليس هو. إذا كنت أنت فعلًا، فاذهب إلى مكان يعرفك: يمكن البدء من جديد، بأشخاص أكثر ووقت أطول.
back-over-title = هذه البطاقة لم تعد تنفع
back-over = هل عدت من قبل؟ ادخل ببطاقتك الجديدة أو كلماتك أو ورقتك. وإلا فقد مضى الوقت، أو كُتبت أرقام سرية خاطئة كثيرة: يمكنك أن تبدأ من جديد. أوراقك في أمان.
back-anew = البدء من جديد
guarding-mine = الذين أساعدهم على العودة
guarding-mine-hint = أشخاص اختاروك
guarding-desk-title = شخص ضاع منه كل شيء
guarding-lead = من هنا؟
guarding-mine-lead = من يطلب مساعدتك؟
guarding-desk-none = لم يختر أحد مكانكم بعد. يختار الشخص في خزنته: «من يستطيع أن يعيدك».
guarding-none = لم يخترك أحد. من يريد مساعدتك يمسح مربّعك: «استلام ورقة».
guarding-search = البحث عن اسم
guarding-open = عودة بدأت يوم { $time }
guarding-one = مساعدة هذا الشخص
guarding-since = اختارك يوم { $day }
guarding-before = خزنات تغيّرت قبل قليل
guarding-before-what = هل أخذ أحد خزنة هذا الشخص وغيّر مفاتيحها أو من يستطيع أن يعيده؟ خلال 30 يومًا ما زال السابقون يستطيعون ذلك، وعندها يفقد السارق كل وصول.
guarding-until = ممكن حتى { $day }
guarding-from-to = اختارك في { $from }، وتغيّر في { $to }
guarding-before-twice = الاسم نفسه مرتين؟ اسأل الشخص متى أُخذت خزنته، وخذ آخر سطر اختارك فيه قبل ذلك.
guarding-before-one = في { $day } تغيّرت مفاتيح هذه الخزنة أو من يستطيع أن يعيد صاحبها. تابع فقط إذا لم يكن هو من فعل ذلك. ما أُضيف منذ ذلك الوقت بمفاتيح أخرى سيبقى مغلقًا.
guarding-letters-same = يجب أن تظهر الأحرف نفسها على شاشة الشخص:
guarding-begin = ضاع منه كل شيء
guarding-begin-hint = يُريك مربّعًا، على شاشة أو على ورق
guarding-begin-other = مربّعه غير مربّع العودة الجارية
guarding-vouch = قول نعم: إنه هو
guarding-vouch-hint = يُريك مربّعًا، أو يقول لك الحروف
guarding-code = امسح مربّعه
guarding-code-lead = هو على شاشته: «لم يبقَ معي شيء».
guarding-letters = أو الحروف الـ24 تحت المربّع
guarding-misread = ليس هذا المربّع. اطلب الذي تُظهره صفحته «لم يبقَ معي شيء»، أو الحروف التي تحته.
guarding-gone = صفحته لا تجيب. ليفتحها من جديد ببطاقة عودته ورقمها السري. راجع الحروف.
guarding-sure = هل هو الشخص الذي أمامك؟
guarding-warn = طلب منك ذلك شخص آخر، بالهاتف أو برسالة؟ قل لا، وأخبر الشخص.
guarding-sure-what = تُخبَر أجهزته. إذا لم يكن هو، يوقف كل شيء.
guarding-sure-yes = نعم، إنه هو
guarding-sure-no = لا
guarding-how = كيف تعرف أنه هو؟
guarding-how-lead = قل الحقيقة فقط. ما تقوله موقَّع، وسيراه الشخص.
guarding-met = هو أمامي
guarding-met-hint = أراه وأتعرف عليه
guarding-afar = من بعيد
guarding-afar-hint = أتعرف على صوته أو وجهه في مكالمة
guarding-unsure = لست متأكدًا
guarding-unsure-hint = لا يُقال شيء. يمكنك ذلك لاحقًا.
guarding-how-warn = رسالة مكتوبة لا تكفي: يستطيع أي أحد أن يكتبها.
guarding-vouching = نتحقق
guarding-log = يجب أولًا أن يُظهر السجل العام هذه العودة. قد يستغرق ذلك دقيقة…
guarding-began = بدأت يوم { $time }، بدأها: { $who }
guarding-you = أنت
guarding-structure = مكان
guarding-person = شخص
guarding-paper = ورقة
guarding-said-met = رآه شخصيًّا
guarding-said-afar = تعرف عليه من بعيد
guarding-ready = تُفتح في أقرب وقت يوم { $day }
guarding-owner = لم يقل أي جهاز للشخص لا.
guarding-strict = أوقف أحد أجهزة الشخص عودة قبل مدة قصيرة. انظر جيدًا إلى من أمامك: قد يكون الهاتف مع سارق، أو قد يتظاهر أحد بأنه هو.
guarding-vouched = قلت نعم. لم يبقَ عليك شيء.
guarding-spoilt = ما يُحفظ هنا لهذا الشخص لم يعد يناسب خزنته. لم تقل شيئًا. يستطيع أن يطلب من شخص آخر اختاره.
guarding-stopped = أُوقفت يوم { $time }: قال أحد أجهزة الشخص إنه ليس هو.
guarding-done = عاد هذا الشخص يوم { $time }.
guarding-over = انتهت آخر عودة يوم { $time }.
guarding-resign = التوقف عن مساعدة هذا الشخص
guarding-resign-title = التوقف عن مساعدته؟
guarding-resign-lead = يُمحى ما تحفظه له. سيرى ذلك، ويختار شخصًا آخر.
guarding-resign-yes = نعم، أتوقف
guarding-cancel = أوقف العودة التي بدأتها في { $time }
guarding-cancel-title = هل توقف هذه العودة؟
guarding-cancel-lead = بدأتها خطأً. ما قيل فيها لم يعد يُحتسب، ويمكنك أن تبدأ عودة أخرى.
guarding-cancel-yes = نعم، أوقفها
alarm-title = أحد يريد فتح خزنتك
alarm-began = بدأها { $name } يوم { $time }.
alarm-ready = من دونك، تُفتح الخزنة في أقرب وقت يوم { $day }.
alarm-stop = لست أنا: إيقاف
alarm-strict = أوقفت واحدة قبل مدة قصيرة: لا يستطيع أي جهاز إيقاف هذه. اذهب بسرعة إلى أحد الذين اخترتهم، وقل إنه ليس أنت.
alarm-hidden = بدأت عودة إلى خزنتك، ولم تُظهرها لك الخدمة. اذهب إلى أحد الذين اخترتهم، وأخبره.
alarm-unsound = تُظهر الخدمة عودة لم يوقّعها أحد من الذين اخترتهم. تحدث عن ذلك مع المؤسسة التي تساعدك.
alarm-stopped = أُوقف ذلك يوم { $time }. لم يدخل أحد.
alarm-after = أخبر الذين اخترتهم. خلال 30 يومًا لا تُوقَف عودة أخرى من هنا: يلزمها أشخاص أكثر وأسبوعان.
error-no_return_card = هذه ليست بطاقة عودة. بطاقة أخرى أو ورقة أو كلمات؟ ارجع واخترها.
error-no_guardian_paper = هذه ليست ورقة كان أحد يحفظها لك. راجع الحروف.
