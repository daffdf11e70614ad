//! The table of attacks: what whoever runs or stole the server could do, perhaps with a grantee or a
//! member at their side; what stops it; and which tests show both. SECURITY.md quotes it.

use crate::{
    deposits, giving, guardians, introductions, linking, locks, log, overruling, pair::Pair,
    papers, readers, restores, safe, team, wire,
};

/// One attack.
pub(crate) struct Row {
    /// In plain words.
    pub(crate) attack: &'static str,
    /// What stops it, in plain words.
    pub(crate) defence: &'static str,
    /// The rules of PROTOCOL.md that say so.
    pub(crate) rules: &'static [&'static str],
    /// What shows it.
    pub(crate) pairs: &'static [Pair],
    /// The journey in Chromium that plays it both ways.
    pub(crate) journey: Option<&'static str>,
    /// What does not exist yet, without which the row is not shown, or not wholly.
    pub(crate) waits: Option<&'static str>,
}

const fn shown(
    attack: &'static str,
    defence: &'static str,
    rules: &'static [&'static str],
    pairs: &'static [Pair],
) -> Row {
    Row { attack, defence, rules, pairs, journey: None, waits: None }
}

const fn waiting(attack: &'static str, defence: &'static str, waits: &'static str) -> Row {
    Row { attack, defence, rules: &[], pairs: &[], journey: None, waits: Some(waits) }
}

/// Played both ways in Chromium.
const fn in_the_browser(attack: &'static str, defence: &'static str, journey: &'static str) -> Row {
    Row { attack, defence, rules: &[], pairs: &[], journey: Some(journey), waits: None }
}

/// The table as SECURITY.md has it.
pub(crate) fn written() -> String {
    let mut lines = vec![
        String::new(),
        "| | attack | what stops it | rules | shown by | without it |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend((1..).zip(ROWS).map(|(number, row)| {
        let tests = row.pairs.iter().map(|pair| format!("`{}`", pair.short_name()));
        let waits = row.waits.map(|waits| format!("**not yet:** {waits}"));
        let journey = row.journey.map(|name| format!("`web/tests/journeys/{name}.mjs`"));
        let tests: Vec<_> = tests.chain(journey).chain(waits).collect();
        let played = row.journey.map(|_| "given a page that shows it as it is".to_owned());
        let without: Vec<_> = row.pairs.iter().map(Pair::without).chain(played).collect();
        let (tests, without) = (tests.join("<br>"), without.join("<br>"));
        let Row { attack, defence, .. } = row;
        format!(
            "| A{number} | {attack} | {defence} | {} | {tests} | {without} |",
            row.rules.join(", ")
        )
    }));
    lines.join("\n") + "\n"
}

/// All of them.
pub(crate) const ROWS: &[Row] = &[
    shown(
        "another key for the structure or its people, when something is given",
        "the code of 100 bits that people compare at the desk names the founding; every key after it is signed by a manager of that chain; what was seen must stay; another's word counts if its own code was compared and the log names its newest statement",
        &["STRUCT-1", "STRUCT-2", "STRUCT-3", "STRUCT-6", "STRUCT-7", "GRANT-5", "INTRO-3"],
        &[
            giving::a_namesake_in_the_list::PAIR,
            giving::another_chain_under_the_structures_id::PAIR,
            giving::a_chain_other_than_the_one_that_was_seen::PAIR,
            giving::an_epoch_that_no_manager_began::PAIR,
            introductions::an_introduction_that_no_manager_signed::PAIR,
            introductions::an_introduction_that_was_withdrawn::PAIR,
            introductions::a_word_of_a_structure_that_nobody_compared::PAIR,
        ],
    ),
    shown(
        "a ghost in the team: a leaf, certificate or answer that no manager made",
        "certificates by managers only; every leaf of every commit is judged; workers commit no people; an answer proves the link's secret",
        &["CERT-1", "GROUP-1", "GROUP-2", "GROUP-4", "GROUP-6", "INV-3", "INV-4"],
        &[
            team::a_certificate_that_no_manager_signed::PAIR,
            team::a_ghost_whom_a_worker_let_in::PAIR,
            team::an_answer_to_an_invitation_that_mallory_wrote::PAIR,
        ],
    ),
    shown(
        "a ghost device in somebody's safe",
        "only the root adds devices, and no key is wrapped to a device",
        &["STMT-3", "STMT-4", "SIG-2"],
        &[safe::a_device_that_the_root_did_not_add::PAIR],
    ),
    shown(
        "keys or cards exchanged between papers, versions or grants",
        "wraps are bound to grant, document, kind, version and tree; headers name their document; grants commit to key and purpose",
        &["GRANT-2", "GRANT-3", "GRANT-4", "ENV-8"],
        &[papers::two_papers_exchanged::PAIR, papers::the_keys_of_two_grants_exchanged::PAIR],
    ),
    shown(
        "other bytes under the right key, by a grantee who has it",
        "the statement names the root of a tree over all sealed bytes",
        &["ENV-7", "ENV-8"],
        &[papers::content_that_a_grantee_sealed_anew::PAIR],
    ),
    shown(
        "an older version of a paper, or of the safe, to somebody who saw a newer one",
        "a device of one's own remembers the newest head; a grantee's session the newest version; where neither has seen it, the log names the safe, and the grant tells where",
        &["SYNC-2", "SYNC-3", "FRESH-1"],
        &[
            safe::an_older_safe_on_a_device_that_saw_more::PAIR,
            papers::an_older_version_in_one_session::PAIR,
            readers::an_older_version_in_a_new_session::PAIR,
            readers::an_older_title_in_a_new_session::PAIR,
        ],
    ),
    shown(
        "the whole safe as it was once, to a device that has seen nothing",
        "the log names its newest statement by its number, which only grows; without witnesses that is one operator's word",
        &["LOG-2", "LOG-9", "LOG-11"],
        &[safe::an_older_safe_on_a_device_that_saw_nothing::PAIR],
    ),
    shown(
        "a paper, grant or other statement that is left out",
        "statements are numbered and chained; the manifest's root is in each",
        &["STMT-4", "MAN-1"],
        &[safe::a_statement_that_is_left_out::PAIR],
    ),
    shown(
        "a removed paper that comes back",
        "an id that was used is spent, for good; nothing is believed but the chain",
        &["STMT-4", "STMT-6", "MAN-1"],
        &[safe::a_paper_that_was_removed::PAIR],
    ),
    shown(
        "chunks reordered, repeated, left out, cut, or taken from another paper",
        "a nonce is place and last flag; the tree is signed; every paper has its own key",
        &["ENV-5", "ENV-6", "ENV-8"],
        &[papers::chunks_in_another_order::PAIR],
    ),
    shown(
        "one ciphertext that says two things under two keys",
        "a commitment to the key, compared before anything is decrypted",
        &["ENV-10"],
        &[papers::one_ciphertext_with_two_meanings::PAIR],
    ),
    shown(
        "another title, kind or date over a paper",
        "the card is an envelope of its own, named by the statement; nothing of it is a column",
        &["CARD-1", "ENV-8"],
        &[papers::a_card_that_a_grantee_wrote_anew::PAIR],
    ),
    shown(
        "a paper that its owner did not put there, to them or to a grantee",
        "only statements of the owner's live devices count, for both; the log says for good which are not, and their owner sees that it does",
        &["STMT-3", "GRANT-7", "FRESH-2", "FRESH-6", "LOG-20"],
        &[
            safe::a_paper_that_nobody_put_there::PAIR,
            papers::a_version_that_its_owner_did_not_write::PAIR,
            readers::what_a_retired_device_signed::PAIR,
            readers::a_head_that_a_retired_device_signed::PAIR,
            readers::what_a_device_of_before_signed::PAIR,
            readers::what_an_invented_generation_signed::PAIR,
            safe::a_mark_that_is_kept_back::PAIR,
        ],
    ),
    shown(
        "a forged deposit in a worker's name",
        "a deposit is signed by a device of whom a manager certified; what is not stays closed",
        &["DEP-2", "DEP-4"],
        &[deposits::a_deposit_in_a_workers_name::PAIR],
    ),
    shown(
        "a deposit shown as another's, or to another",
        "what is signed names safe, key, structure and the hash of key and words",
        &["DEP-2", "DEP-3", "DEP-4", "DEP-5"],
        &[
            deposits::a_deposit_that_its_owner_passes_on::PAIR,
            deposits::other_words_under_a_workers_deposit::PAIR,
        ],
    ),
    shown(
        "a grant that was taken back is shown again, to its owner or to who had it",
        "statements are chained; a revoked grant's id is spent, for good; nothing is given from a safe that the log says nothing of; its recipient asks the log",
        &["STMT-4", "STMT-6", "LOG-11", "FRESH-1"],
        &[
            safe::a_grant_that_was_taken_back::PAIR,
            safe::a_grant_that_was_taken_back_where_the_log_is_silent::PAIR,
            readers::what_was_taken_back_in_a_new_session::PAIR,
        ],
    ),
    shown(
        "envelopes and keys that were kept after taking back",
        "what was given stays readable to who kept it; every later version has a fresh key",
        &["ENV-2", "GRANT-8"],
        &[giving::a_kept_grant_key_after_it_was_taken_back::PAIR],
    ),
    shown(
        "a removal in a structure that is hidden from owners",
        "what this safe has seen must stay in the chain; the log names its newest statement",
        &["STRUCT-7", "LOG-6", "LOG-10"],
        &[
            giving::an_older_chain_than_the_one_that_was_seen::PAIR,
            giving::an_epoch_that_is_held_back::PAIR,
        ],
    ),
    shown(
        "different commits to different members",
        "the structure's chain says tree and authenticator of every epoch",
        &["GROUP-4"],
        &[team::two_commits_for_one_epoch::PAIR],
    ),
    shown(
        "cheaper stretching of the words",
        "its cost is a constant; no message carries one",
        &["LOCK-4"],
        &[locks::cheaper_stretching_of_the_words::PAIR],
    ),
    shown(
        "an older suite or layout",
        "one suite, nothing negotiated, one encoding",
        &["CODEC-2", "CODEC-3"],
        &[wire::a_structure_of_another_suite::PAIR],
    ),
    shown(
        "a way back that the server set up, or other keys for whoever comes back",
        "guardians are named by the owner's root; whoever comes back is compared by square or letters; nothing is sealed before the log has the return, where the owner's devices look",
        &["GUARD-3", "GUARD-5", "BACK-1", "BACK-2", "BACK-4", "BACK-10"],
        &[
            guardians::another_offer_for_somebody_who_comes_back::PAIR,
            guardians::another_offer_for_a_return_that_was_begun::PAIR,
            guardians::a_return_that_the_log_does_not_have::PAIR,
            guardians::a_return_kept_from_its_owner::PAIR,
            guardians::a_return_through_guardians_of_before::PAIR,
            guardians::a_guardian_whom_the_owner_replaced::PAIR,
            guardians::a_vouch_in_a_structures_name::PAIR,
        ],
    ),
    shown(
        "a guardian's share that was changed",
        "a commitment to each share in what the owner signed: whose does not fit is named",
        &["GUARD-3", "BACK-6"],
        &[guardians::a_share_that_was_changed::PAIR],
    ),
    shown(
        "a root's wrap that was changed, or one of a lock that was retired",
        "wraps are bound to account, lock, kind and generation; the chain names the live ones; keys are derived, never taken",
        &["ACC-1", "LOCK-1", "LOCK-2", "LOCK-7"],
        &[locks::a_wrap_of_the_root_that_was_changed::PAIR, locks::a_lock_that_was_retired::PAIR],
    ),
    shown(
        "learning from how something fails",
        "one error for everything that does not open; the server sees the same calls after each",
        &["OPEN-1"],
        &[locks::failures_that_can_be_told_apart::PAIR],
    ),
    shown(
        "one signed object passed off as another",
        "a label for every kind of signature",
        &["LABEL-1", "SIG-2"],
        &[wire::a_signature_passed_off_as_another::PAIR],
    ),
    shown(
        "different logs to different people",
        "as many witnesses as the page's release asks for have seen it; a device keeps the newest checkpoint; posters, sheets and screens carry one",
        &["LOG-5", "LOG-7", "LOG-17"],
        &[
            giving::a_log_that_no_witness_has_seen::PAIR,
            giving::a_log_that_a_poster_contradicts::PAIR,
        ],
    ),
    shown(
        "a change of one's own safe that one did not make",
        "the safe's own entry is looked up whenever it is opened",
        &["LOG-11"],
        &[safe::a_statement_in_the_log_that_nobody_signed::PAIR],
    ),
    shown(
        "a map that says other than the log",
        "witnesses replay the log, map and all, before they sign; a page whose release asks for them believes nothing else",
        &["LOG-5", "LOG-8"],
        &[log::a_map_that_says_other_than_its_log::PAIR],
    ),
    shown(
        "keys out of links, addresses and requests",
        "there are no links to papers; an invitation's secret is in a fragment",
        &["INV-1"],
        &[wire::keys_on_the_wire::PAIR],
    ),
    shown(
        "what is in a paper from its length",
        "lengths are padded; nothing is compressed or shared between people",
        &["ENV-4"],
        &[papers::lengths_that_tell::PAIR],
    ),
    in_the_browser(
        "a paper that runs as a program and takes keys",
        "papers become pixels in a worker that has no keys, under a strict content policy; what is neither picture nor PDF is not shown",
        "active",
    ),
    waiting(
        "another page to one person",
        "releases that are logged, and compared by auditors (LOG-18, LOG-19); and signed",
        "signed releases",
    ),
    shown(
        "guessing words or a PIN with the database, or the whole server",
        "OPAQUE with a secret outside the database; 77.5 bits, or what the card holds; Argon2id for each guess",
        &["LOCK-3", "LOCK-4", "LOCK-9"],
        &[locks::a_stolen_database::PAIR, locks::a_stolen_pin_record::PAIR],
    ),
    shown(
        "asking whether somebody has a safe",
        "handles that are nobody's are answered alike",
        &["LOCK-8"],
        &[locks::asking_whether_a_safe_exists::PAIR],
    ),
    shown(
        "an opening in the trace that never was",
        "receipts are signed by the reader's device (hiding one is the server's to do)",
        &["RCPT-2"],
        &[safe::an_opening_that_never_was::PAIR],
    ),
    shown(
        "a clock that is set back, so that nothing ends",
        "ends are judged by witnessed time where that is later",
        &["LOG-6", "FRESH-5"],
        &[readers::a_clock_that_is_set_back::PAIR],
    ),
    shown(
        "two copies of one device, each shown a safe or a group of its own",
        "every device remembers what it wrote and saw; every version has a fresh key; no member commits behind what the log names",
        &["SYNC-2", "ENV-2", "LOG-10"],
        &[
            safe::two_copies_of_a_device_that_are_shown_two_safes::PAIR,
            team::a_desk_that_was_put_back_from_a_copy::PAIR,
        ],
    ),
    shown(
        "a grant's key, kept by somebody who left the structure, on what is added later",
        "a grant key serves one recipient epoch",
        &["GRANT-6"],
        &[giving::a_kept_grant_key_after_its_holder_left::PAIR],
    ),
    shown(
        "a PIN's counter dodged, or spent by strangers",
        "a try is spent before the answer, and signed with the card; registering is no second way",
        &["LOCK-10", "LOCK-11", "LOCK-12"],
        &[
            locks::pins_tried_without_end::PAIR,
            locks::tries_spent_by_strangers::PAIR,
            locks::pins_tried_by_registering::PAIR,
        ],
    ),
    shown(
        "a deposit steered into another safe",
        "the account comes from the owner's card or screen, and the keys hash to it",
        &["ACC-2", "DEP-1"],
        &[deposits::a_deposit_steered_into_another_safe::PAIR],
    ),
    shown(
        "a deposit whose sender chose id or key",
        "what is accepted is sealed again, under an id and a key that the owner draws",
        &["DEP-6", "ENV-2"],
        &[deposits::a_paper_under_a_key_that_its_depositor_keeps::PAIR],
    ),
    shown(
        "a thief of the root who is first to change it",
        "guardians overrule the root for a while, older ones younger ones; a new generation, not a new lock",
        &["GUARD-7", "GUARD-8"],
        &[
            overruling::a_thief_who_says_that_it_was_long_ago::PAIR,
            overruling::those_whom_a_thief_named::PAIR,
            overruling::guardians_of_long_ago::PAIR,
        ],
    ),
    shown(
        "a re-wrap that opens nothing, followed by deletion",
        "a second member opens it first, and only to what the owner committed to; it is dropped, made anew from the old one, and each page finds whose it was",
        &["GRANT-4", "REWRAP-3", "REWRAP-5", "REWRAP-6"],
        &[team::a_rewrap_that_opens_nothing::PAIR],
    ),
    shown(
        "a backup that brings back what was revoked, or forks the log",
        "a restore wants the log's newest copy and refuses one that ends before a checkpoint somebody saw; a journal on another disk makes again what was taken in; without it, nothing of a safe that the log names further is given out, until its owner, who is told what is missing, goes on: then nothing stays given, and devices that the log says are retired stay so",
        &["BACKUP-2", "BACKUP-3", "BACKUP-6", "BACKUP-8", "BACKUP-9", "BACKUP-10"],
        &[
            restores::what_was_taken_back_before_a_disk_was_lost::PAIR,
            restores::a_log_of_before::PAIR,
            restores::a_grant_that_comes_back_when_its_owner_goes_on::PAIR,
            restores::a_retired_device_that_comes_back_when_its_owner_goes_on::PAIR,
            restores::a_backup_that_nobody_is_told_of::PAIR,
        ],
    ),
    shown(
        "a member who destroys what is the team's, or takes a colleague's place away",
        "a leaf comes in by its own device's request only; a manager goes when two say so; every device keeps the seeds that it holds, and what others sealed for the paper stays",
        &["GROUP-9", "GROUP-12", "GROUP-13", "HIST-3", "HIST-4"],
        &[
            team::a_colleagues_leaf_under_ones_own_request::PAIR,
            team::a_manager_whom_one_other_puts_out::PAIR,
        ],
    ),
    shown(
        "a computer that is linked: other keys under its code, another safe, an older one",
        "the offer hashes to the code on the screen; both screens show a picture that the phone drew; the chain \
         must have the device that the phone added last",
        &["LINK-2", "LINK-4", "LINK-5"],
        &[
            linking::another_offer_for_the_same_code::PAIR,
            linking::a_safe_of_somebody_else::PAIR,
            linking::an_older_safe_for_a_linked_computer::PAIR,
        ],
    ),
    shown(
        "guardians of one mind who open a safe before its owner hears of it",
        "a wait, which the server keeps; alerts on every device, which stop it; one guardian more after that",
        &["BACK-3", "BACK-5", "BACK-8"],
        &[guardians::guardians_who_do_not_wait::PAIR, guardians::two_people_of_one_place::PAIR],
    ),
];
