//! What a person is asked for, or has to do next.

codes! {
    /// A question or a direction to the person at the terminal.
    enum Prompt;

    /// No key is plugged: insert it.
    InsertKey = 1201,
    /// The one question: PIN, then touch.
    PinPrompt = 1202,
    /// Touch now.
    TouchNow = 1208,
    /// The one question when it is known whose key it is; `$name`.
    PinPromptNamed = 1219,
    /// Addition to the question: `$tries` left.
    PinTriesLeft = 1220,
    /// Several proven keys are plugged: the person touches the one meant.
    TouchToChoose = 1226,
    /// A PIN is to be changed: the one that the key has; `$name`.
    PinOldPrompt = 1245,
    /// The new one, of `$least` characters or more.
    PinNewPrompt = 1246,
    /// The new one once more.
    PinAgainPrompt = 1247,
    /// As [`Self::PassPrompt`], where a colleague may vouch: a code, 0 to have somebody vouch, or
    /// Enter and the key.
    VouchPrompt = 1249,
    /// The same at a shared account: the name before code or 0.
    VouchPromptShared = 1250,
    /// The code that the person chooses.
    VouchCodePrompt = 1251,
    /// It once more.
    VouchCodeAgain = 1252,
    /// Why somebody is to vouch.
    VouchReasonPrompt = 1253,
    /// Who vouches.
    VoucherPrompt = 1254,
    /// The question for the PIN of the colleague `$name`, who is to let `$person` in for `$hours`
    /// hours.
    VouchPinPrompt = 1255,
    /// In the place of [`Self::InsertKey`] where the key is to vouch for `$person`.
    VouchInsert = 1256,
    /// The question before [`Self::VouchPinPrompt`]: the colleague `$name` types the name of
    /// `$person`, who is to be let in for `$hours` hours.
    VouchNamePrompt = 1257,
    /// Nobody said who logs in: insert a key, or wait for the question.
    InsertOrWait = 1270,
    /// The question for the name, while no key says it.
    NamePrompt = 1271,
    /// The key waits for a finger on its sensor: it is the key of `$name`.
    FingerNow = 1283,
    /// The same as a question, where a greeter has to ask `$name`: Enter and the finger, or PIN.
    FingerOrPin = 1284,
    /// The one question after the finger was not known, or none came in time; `$name`.
    PinAfterFinger = 1285,
    /// The one question where the sensor takes no finger any more; `$name`.
    PinFingerBlocked = 1286,
    /// The question in the place of "insert your key" where notices are not shown (PAM_SILENT).
    InsertThenEnter = 1403,
    /// The question in the place of [`Notice::WaitForKey`](super::Notice::WaitForKey) where notices
    /// are not shown.
    WaitThenEnter = 1404,
    /// The one question when the PIN was wrong before, with the reason and its code, as a greeter
    /// may show nothing else; `$name`, `$tries` left.
    PinPromptAfterWrong = 1710,
    /// The question while no key comes: the code of a pass, or Enter and the key.
    PassPrompt = 1801,
    /// The same at a shared account: name and code.
    PassPromptShared = 1802,
}
