ways-title = العودة إلى خزنتك
ways-lead = ما يفتح خزنتك:
ways-words = كلماتك الست
ways-words-what = مع اسم خزنتك.
ways-sheet = ورقة النجدة
ways-sheet-what = وحدها. احفظها بعيدًا عن كلماتك الست.
ways-card = بطاقة
ways-card-what = مع رقمها السري.
ways-one = لم تبقَ لك إلا طريقة واحدة للدخول. حافظ عليها جيدًا.
ways-nobody = لا نستطيع فتح خزنتك بدلًا منك: المفتاح ليس معنا.
card-picture-title = اختر صورة
card-picture-lead = ستكون على بطاقتك، وبها تعرفها.
card-paper-title = بطاقتك
card-paper-lead = اطبعها وقصّها. لا تقول شيئاً عنك.
card-paper-care = البطاقة تفتح خزنتك مع رقمها السري. لا تكتب الرقم عليها.
card-paper-next = بطاقتي معي
pin-choose-title = اختر رقماً سرياً
pin-choose-lead = ستة أرقام لا يعرفها غيرك. لا تختر تاريخ ميلاد.
pin-again-title = مرة أخرى
pin-again-lead = اكتب الأرقام الستة نفسها.
pin-other = هذه أرقام أخرى. اختر من جديد.
ways-here = الرقم السري لهذا الجهاز
ways-device = جهاز له رقم سري
ways-device-what = يفتح خزنتك برقمه، ولا يفتحها جهاز آخر به.
ways-passkey = مفتاح جهاز
ways-passkey-what = بالإصبع أو الوجه أو رمز الجهاز.
ways-since = منذ { $day }
ways-dead = أرقام خاطئة كثيرة: لم يعد يفتح شيئاً.
ways-tries = { $count ->
    [zero] لم يُكتب أي رقم خاطئ.
    [one] كُتب رقم خاطئ واحد ({ $count }).
    [two] كُتب رقمان خاطئان ({ $count }).
    [few] كُتبت { $count } أرقام خاطئة.
    [many] كُتب { $count } رقماً خاطئاً.
   *[other] كُتب { $count } رقم خاطئ.
  }
ways-cancel = إلغاء
ways-cancel-card = هل تلغي هذه البطاقة؟
ways-cancel-device = هل تلغي هذا الرقم السري؟
ways-cancel-passkey = هل تلغي هذا المفتاح؟
ways-cancel-words = هل تلغي هذه الكلمات؟
ways-cancel-sheet = هل تلغي هذه الورقة؟
ways-cancel-what = لن يفتح شيئاً بعد الآن. كل ما عداه يفتح خزنتك كما كان، ولا يُخرَج أحد.
ways-cancel-yes = نعم، ألغِ
ways-add-card = اصنع بطاقة
ways-add-card-hint = لمحفظتك، مع صورة ورقم سري
ways-add-pin = رقم سري على هذا الجهاز
ways-change-pin = رقم سري آخر على هذا الجهاز
ways-add-pin-hint = للدخول بسرعة كل يوم
ways-add-passkey = استعمل مفتاح هذا الجهاز
ways-add-passkey-hint = بالإصبع أو الوجه أو رمز الجهاز
devices-unknown = جهاز
devices-phone = هاتف
devices-tablet = جهاز لوحي
devices-computer = حاسوب
devices-shared = حاسوب شخص آخر
devices-in = متصل
devices-out = غير متصل
