//! Switches that turn one check off, in builds for tests only: whoever shows that a check stops an
//! attack also shows that the attack succeeds without it.
//!
//! Product code asks with [`check!`](crate::check). Without the feature `switches` that is the plain
//! check, and nothing of this module is in the build. With it there are debug assertions, or there is
//! no build.

#[cfg(all(feature = "switches", not(debug_assertions)))]
compile_error!("`switches` turns checks off: it is for tests and has no place in a release");

/// Asks whether a check is on; or, with a condition, whether the condition holds or is not asked for.
#[cfg(not(feature = "switches"))]
#[macro_export]
macro_rules! check {
    ($check:ident $(($of:expr))?) => {
        true
    };
    ($check:ident, $condition:expr) => {
        $condition
    };
}

/// Asks whether a check is on; or, with a condition, whether the condition holds or is not asked for.
#[cfg(feature = "switches")]
#[macro_export]
macro_rules! check {
    ($check:ident $(($of:expr))?) => {
        $crate::switch::is_on($crate::switch::Check::$check $(($of))?)
    };
    ($check:ident, $condition:expr) => {
        !$crate::switch::is_on($crate::switch::Check::$check) || $condition
    };
}

#[cfg(feature = "switches")]
pub use switches::{Check, Guard, MARKER, elsewhere, is_on, without};

/// What another thread is to do: with the same checks as this one.
#[cfg(not(feature = "switches"))]
pub fn elsewhere<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    work
}

#[cfg(feature = "switches")]
mod switches {
    use std::{cell::RefCell, hint::black_box};

    use crate::Label;

    /// In every build that has switches, so that a build can be searched for it.
    pub const MARKER: &str = "this build can turn its own checks off";

    /// What can be turned off.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Check {
        /// That what is signed under this label verifies. SIG-2.
        Signature(Label),
        /// The label of what is signed. SIG-2.
        SignatureLabel,
        /// The suite at the start of every object. CODEC-2.
        Suite,
        /// That bytes are the only encoding of what they say. CODEC-3.
        Canonical,
        /// That what a guardian holds is what the lock names. GUARD-3, BACK-6.
        ShareCommitment,
        /// That the owner's newest root named the guardians, and the chain has them still. GUARD-3, GUARD-5.
        GuardiansNamed,
        /// That an offer of somebody who comes back hashes to its code, and is the one of the return. BACK-1.
        ReturnOffer,
        /// That whoever speaks for a structure that is a guardian works there, as its chain says. BACK-10.
        GuardianCertificate,
        /// That guardians are waited for, and time. BACK-3, BACK-8.
        ReturnWait,
        /// That guardians who were ended overrule the root for a while only. GUARD-7.
        OverruleTime,
        /// That whoever was named by somebody who is overruled overrules nobody. GUARD-7.
        OverruleOrder,
        /// That nobody says of what ends guardians that it was long ago. GUARD-8.
        OverruleClock,
        /// That people who work in one place count as one guardian. BACK-3.
        OnePlace,
        /// That the log has a return before a guardian seals anything to it. BACK-2.
        ReturnLogged,
        /// That the log has no return which an owner's device was not told of. BACK-4.
        ReturnShown,
        /// That nothing of what the log names further is given out after a restore. BACKUP-6.
        RestoredBehind,
        /// That a restored log continues what somebody saw. BACKUP-3.
        RestoredLog,
        /// That a statement follows the one before it. STMT-4.
        ChainOrder,
        /// That an id which was used is never used again. STMT-6.
        SpentIds,
        /// The manifest's root in a statement. MAN-1.
        ManifestRoot,
        /// The head that this device saw last. SYNC-2.
        RememberedHead,
        /// The version that this session saw last. SYNC-3.
        SeenVersion,
        /// That a wrap of the root is a live lock's. LOCK-2.
        LiveLock,
        /// What a wrap of the root is bound to. LOCK-1.
        RootWrapBinding,
        /// That a handle which is nobody's is answered as every other. LOCK-8.
        UnknownHandle,
        /// That nobody registers for the PIN of a lock that is or was. LOCK-12.
        PinRegistration,
        /// That what is held is part of what the PAKE takes for a PIN. LOCK-9.
        PinPassword,
        /// That a try of a PIN is spent before its answer. LOCK-11.
        PinTries,
        /// That a try of a PIN is signed with the key of what is held. LOCK-10.
        HeldUse,
        /// That a computer's offer hashes to the code on its screen. LINK-2.
        LinkOffer,
        /// That a chain which is shown to a linked computer has it as a device. LINK-4.
        LinkedDevice,
        /// What stretching words costs. LOCK-4.
        StretchCost,
        /// That an envelope's header is the one that was signed. ENV-8.
        EnvelopeHeader,
        /// That an envelope's bytes are the ones that were signed. ENV-8.
        EnvelopeTree,
        /// An envelope's commitment to its key. ENV-10.
        EnvelopeCommitment,
        /// A chunk's place in its nonce. ENV-6.
        ChunkPlace,
        /// That lengths are padded. ENV-4.
        Padding,
        /// That every version is sealed under a key of its own. ENV-2.
        FreshKey,
        /// What a document key's wrap is bound to. GRANT-3.
        DocumentWrapBinding,
        /// What a grant key's wrap is bound to. GRANT-2.
        GrantWrapBinding,
        /// A grant's commitments to its key and its purpose. GRANT-4.
        GrantCommitment,
        /// That a grant key serves one recipient epoch. GRANT-6.
        GrantEpoch,
        /// That statements under a grant are its owner's. GRANT-7.
        GrantOwner,
        /// That an owner's keys hash to the address that a depositor read. DEP-1.
        OwnerKeys,
        /// That a deposit is for the safe that it is shown to. DEP-4.
        DepositOwner,
        /// That a deposit is signed by whom its certificate names. DEP-4.
        DepositSigner,
        /// That a deposit's key and words are those that its depositor signed. DEP-5.
        DepositWords,
        /// That a grant and what is under it is compared with what the log names. FRESH-1.
        Fresh,
        /// That what the log does not name yet was signed by a device that is live. FRESH-2.
        LiveDevice,
        /// That nothing counts which a device signed that the log says is retired. FRESH-6.
        RetiredMark,
        /// That the log says of what was retired that it is. LOG-20.
        MarkLogged,
        /// That no end goes by a clock that is behind the log's. FRESH-5.
        WitnessedTime,
        /// The code that people compare. STRUCT-2.
        Code,
        /// That an introducer's own code was compared. INTRO-3.
        Introducer,
        /// That a founding hashes to the structure's id. STRUCT-1.
        Founding,
        /// Who may sign a structure's statement. STRUCT-3.
        StructureSigner,
        /// That a structure's chain contains what was seen of it. STRUCT-7.
        StructureSeen,
        /// That the log names a statement of the structure's chain that was shown. LOG-10.
        StructureLogged,
        /// That the log names a statement of the safe's chain that was shown. LOG-11.
        SafeLogged,
        /// That nothing is given from a safe that the log could not be compared with. LOG-11.
        SafeChecked,
        /// That a person is asked before their safe goes on from a backup. BACKUP-9.
        ContinueAsked,
        /// That nothing stays given in a safe that goes on from a backup. STMT-11.
        ContinuedEmpty,
        /// That devices which the log says are retired do not come back with a backup. BACKUP-8.
        ContinuedMarks,
        /// That the log continues what a square carried. LOG-17.
        Carried,
        /// How many witnesses must have seen the log. LOG-5.
        Witnesses,
        /// Who may sign a certificate. CERT-1.
        CertificateSigner,
        /// That a leaf is of somebody with a certificate. GROUP-1.
        LeafCertificate,
        /// Who may commit what. GROUP-2.
        Committer,
        /// That a leaf is of the account and device that asked for it. GROUP-9.
        LeafAsked,
        /// That no manager loses their place before two said that they are none. GROUP-12.
        ManagersStay,
        /// That the chain says the same of an epoch as the group. GROUP-4.
        GroupStated,
        /// That an answer to an invitation is from whoever has its link. INV-4.
        InvitationMac,
        /// That a receipt is signed by whom it names. RCPT-2.
        ReceiptSigner,
    }

    thread_local! {
        static OFF: RefCell<Vec<Check>> = const { RefCell::new(Vec::new()) };
    }

    /// Whether a check is on: whether this thread has not turned it off.
    pub fn is_on(check: Check) -> bool {
        // The marker stays in whatever calls this, however it is optimised.
        black_box(MARKER).is_empty() || OFF.with_borrow(|off| !off.contains(&check))
    }

    /// Turns checks off on this thread, until the guard is dropped.
    #[must_use]
    pub fn without(checks: &[Check]) -> Guard {
        Guard(OFF.replace(checks.to_vec()))
    }

    /// What another thread is to do: without the checks that are off on this one.
    pub fn elsewhere<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
        let off = OFF.with_borrow(Vec::clone);
        move || {
            let _off = without(&off);
            work()
        }
    }

    /// Turns back on what was turned off.
    #[derive(Debug)]
    pub struct Guard(Vec<Check>);

    impl Drop for Guard {
        fn drop(&mut self) {
            OFF.set(std::mem::take(&mut self.0));
        }
    }
}
