//! Commits that race, get lost or arrive late; states that are kept and resumed; certificates that end.

use super::*;

#[test]
fn of_two_commits_in_one_epoch_one_counts() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (mut third, admission) = house.admit(&mut first, &person(3, 3));
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    let mut twin = first.copy().unwrap();
    let (fourth, fifth) = (person(4, 4), person(5, 5));
    house.certify(&fifth);
    let (_, other) = {
        let (newcomer, request) = fifth.ask(house.id());
        (newcomer, house.stage(&mut twin, &request).unwrap())
    };
    let (_, admission) = house.admit(&mut first, &fourth);
    // Shown the commit that the chain does not name, a member knows that there is a fork.
    assert_refused(&mut third, &other.commit, &house.gate(), GroupError::Fork);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_refused(&mut second, &other.commit, &house.gate(), GroupError::WrongEpoch);
    assert_refused(&mut second, &admission.commit, &house.gate(), GroupError::WrongEpoch);
    // The member who was shown the wrong one goes on with the right one.
    third.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&second, &third, &house);
    assert_agree(&first, &third, &house);
}

#[test]
fn members_who_were_shown_different_groups_find_out() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let mut twin = first.copy().unwrap();
    let mut fork = House::found(1).0;
    fork.chain.clone_from(&house.chain);
    fork.certificates.clone_from(&house.certificates);
    let (_, admission) = fork.admit(&mut twin, &person(5, 5));
    let (_, _) = house.admit(&mut first, &person(4, 4));
    // With a second chain it works for a while ...
    second.take_in(&admission.commit, None, &fork.gate()).unwrap();
    // ... until the member sees the chain that others see.
    house.certify(&person(5, 5));
    assert_eq!(second.compare(&house.gate()), Err(GroupError::Fork));
    assert_eq!(first.compare(&house.gate()), Ok(()));
}

#[test]
fn a_commit_that_the_chain_does_not_reach_waits() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    assert_refused(&mut second, &admission.commit, &house.gate(), GroupError::Unstated);
    assert_eq!(
        newcomer.join(&welcome(&admission), None, &house.gate()).err(),
        Some(GroupError::Unstated)
    );
    house.state(admission.roster.clone());
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
}

#[test]
fn a_member_who_was_away_takes_in_what_was_missed() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let commits: Vec<_> = (3..7).map(|n| house.admit(&mut first, &person(n, n)).1.commit).collect();
    assert_refused(&mut second, &commits[1], &house.gate(), GroupError::WrongEpoch);
    for commit in &commits {
        second.take_in(commit, None, &house.gate()).unwrap();
    }
    assert_agree(&first, &second, &house);
}

#[test]
fn what_was_missed_is_judged_at_the_time_of_the_newest_statement() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certificates.push(house.certificate(third.account_id, NOW + 10));
    let (_, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    let late = Gate { now: NOW + 10, ..house.gate() };
    assert_refused(&mut second, &admission.commit, &late, GroupError::NotAllowed);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    // Whoever has ended since is nobody's reason to stop, once renewed.
    first.merge_staged().unwrap();
    let (_, admission) = house.admit(&mut first, &person(4, 4));
    house.chain.roster = Some(RosterTerms { mls_epoch: 99, ..unjudged(&first) });
    let late = Gate { now: NOW + 10, ..house.gate() };
    assert_refused(&mut second, &admission.commit, &late, GroupError::NotAllowed);
    house.certify(&third);
    let late = Gate { now: NOW + 10, ..house.gate() };
    second.take_in(&admission.commit, None, &late).unwrap();
}

#[test]
fn a_damaged_commit_or_one_of_another_structure_changes_nothing() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (_, admission) = house.admit(&mut first, &person(3, 3));
    for index in [0, 3, 40, admission.commit.len() / 2, admission.commit.len() - 1] {
        let mut damaged = admission.commit.clone();
        damaged[index] ^= 1;
        let before = second.snapshot();
        assert!(second.take_in(&damaged, None, &house.gate()).is_err());
        assert_eq!(*second.snapshot(), *before);
    }
    assert_refused(&mut second, b"", &house.gate(), GroupError::Damaged);
    assert_refused(&mut second, &welcome(&admission), &house.gate(), GroupError::Damaged);
    let (mut elsewhere, mut other) = House::found(2);
    let (mut neighbour, _) = elsewhere.admit(&mut other, &person(2, 2));
    assert_refused(&mut neighbour, &admission.commit, &elsewhere.gate(), GroupError::NotAllowed);
    elsewhere.certify(&person(3, 3));
    assert_refused(&mut second, &admission.commit, &elsewhere.gate(), GroupError::NotAllowed);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn a_refused_admission_leaves_a_usable_group() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (third, fourth) = (person(3, 3), person(4, 4));
    house.certify(&third);
    let (_, request) = third.ask(house.id());
    assert_eq!(first.merge_staged(), Err(GroupError::Staged));
    let refused = house.stage(&mut first, &request).unwrap();
    assert!(first.is_staged());
    assert_eq!(first.mls_epoch(), 1);
    assert_eq!(house.stage(&mut first, &request).err(), Some(GroupError::Staged));
    first.drop_staged().unwrap();
    assert!(!first.is_staged());
    // Had it been accepted after all, this device could not follow: it would have to come anew.
    assert_refused(&mut first, &refused.commit, &house.gate(), GroupError::NotAllowed);
    assert_eq!(first.compare(&house.gate()), Ok(()));
    let (_, admission) = house.admit(&mut first, &fourth);
    assert_ne!(refused.commit, admission.commit);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn a_commit_whose_answer_was_lost_is_known_again() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    let kept = first.snapshot();
    drop(first);
    let mut first = Group::resume(house.id(), 1, &kept).unwrap();
    assert!(first.is_staged());
    house.state(admission.roster.clone());
    first.take_in(&admission.commit, None, &house.gate()).unwrap();
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert!(!first.is_staged());
    assert_agree(&first, &second, &house);
    let third = newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
    assert_agree(&first, &third, &house);
}

#[test]
fn a_manager_who_was_too_late_takes_in_the_other_commit() {
    let (mut house, mut first) = House::found(1);
    // The founder's second device: a manager too.
    let device = person(1, 7);
    let mut second = house.let_in(&mut first, &device);
    let (third, fourth) = (person(3, 3), person(4, 4));
    house.certify(&fourth);
    let (_, request) = fourth.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let gate = house.gate();
    second.stage(Change::Admit(&request), &history(), &device.device, &gate, rng).unwrap();
    let (_, admission) = house.admit(&mut first, &third);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert!(!second.is_staged());
    assert_agree(&first, &second, &house);
    // And tries again.
    let gate = house.gate();
    let again =
        second.stage(Change::Admit(&request), &history(), &device.device, &gate, rng).unwrap();
    second.merge_staged().unwrap();
    house.state(again.roster);
    first.take_in(&again.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn everybody_goes_on_from_a_snapshot() {
    let (mut house, first) = House::found(1);
    let mut first = Group::resume(house.id(), 1, &first.snapshot()).unwrap();
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let newcomer = Newcomer::resume(&newcomer.snapshot()).unwrap();
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    first.merge_staged().unwrap();
    let second = newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
    let mut second = Group::resume(house.id(), 1, &second.snapshot()).unwrap();
    let mut first = Group::resume(house.id(), 1, &first.snapshot()).unwrap();
    let (_, admission) = house.admit(&mut first, &person(3, 3));
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
    let resumed = Group::resume(house.id(), 1, &second.snapshot()).unwrap();
    assert_eq!(*resumed.snapshot(), *second.snapshot(), "one state, one snapshot");
}

#[test]
fn a_snapshot_of_something_else_does_not_resume() {
    let (house, group) = House::found(1);
    let snapshot = group.snapshot();
    let other = StructureId([9; 32]);
    assert_eq!(Group::resume(other, 1, &snapshot).err(), Some(GroupError::Damaged));
    let (newcomer, _) = Newcomer::new(&house.founder.device, &house.founder.proof).unwrap();
    let waiting = newcomer.snapshot();
    assert_eq!(Group::resume(house.id(), 1, &waiting).err(), Some(GroupError::Damaged));
    for cut in [0, 1, snapshot.len() / 2, snapshot.len() - 1] {
        assert_eq!(Group::resume(house.id(), 1, &snapshot[..cut]).err(), Some(GroupError::Damaged));
    }
    let longer = [snapshot.as_slice(), &[0]].concat();
    assert_eq!(Group::resume(house.id(), 1, &longer).err(), Some(GroupError::Damaged));
}

#[test]
fn a_refused_welcome_leaves_the_newcomer_waiting() {
    let (mut house, mut first) = House::found(1);
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    let whole = welcome(&admission);
    for index in [3, 60, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[index] ^= 1;
        assert!(newcomer.join(&damaged, None, &house.gate()).is_err());
    }
    assert_eq!(newcomer.join(b"", None, &house.gate()).err(), Some(GroupError::Damaged));
    let refused = newcomer.join(&admission.commit, None, &house.gate()).err();
    assert_eq!(refused, Some(GroupError::Damaged));
    // A welcome into another structure of the same manager.
    let (mut elsewhere, mut other) = House::found(2);
    elsewhere.certify(&second);
    let lure = second.request(elsewhere.id(), request.key_package.clone());
    let lure = elsewhere.stage(&mut other, &lure).unwrap();
    elsewhere.state(lure.roster.clone());
    let refused = newcomer.join(&welcome(&lure), None, &house.gate()).err();
    assert_eq!(refused, Some(GroupError::NotAllowed));
    // Another newcomer's welcome.
    let (stranger, _) = person(5, 5).ask(house.id());
    let refused = stranger.join(&welcome(&admission), None, &house.gate()).err();
    assert_eq!(refused, Some(GroupError::Damaged));
    newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
}

#[test]
fn a_newcomer_refuses_a_group_that_the_chain_describes_otherwise() {
    let (mut house, mut first) = House::found(1);
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    let truth = admission.roster.clone();
    let mut lies = [truth.clone(), truth.clone(), truth.clone()];
    lies[0].authenticator_hash[0] ^= 1;
    lies[1].tree_hash[0] ^= 1;
    lies[2].roster_size += 1;
    for lie in lies {
        let mut lying = house.copy();
        lying.state(lie);
        let refused = newcomer.join(&welcome(&admission), None, &lying.gate()).err();
        assert_eq!(refused, Some(GroupError::Fork));
    }
    // A certificate that was renewed since is no lie.
    house.state(truth);
    house.certify_founder();
    newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
}

#[test]
fn a_member_whose_certificate_has_ended_is_renewed_before_others_join() {
    let (mut house, mut first) = House::found(1);
    let (second, third) = (person(2, 2), person(3, 3));
    house.certificates.push(house.certificate(second.account_id, NOW + 10));
    let (newcomer, request) = second.ask(house.id());
    let admission = house.stage(&mut first, &request).unwrap();
    house.state(admission.roster.clone());
    first.merge_staged().unwrap();
    newcomer.join(&welcome(&admission), None, &house.gate()).unwrap();
    house.certify(&third);
    let (_, request) = third.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let later = Gate { now: NOW + 10, ..house.gate() };
    let device = &house.founder.device;
    let staged = first.stage(Change::Admit(&request), &history(), device, &later, rng);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    house.certificates.push(house.certificate(second.account_id, NOW + YEAR));
    let later = Gate { now: NOW + 10, ..house.gate() };
    let device = &house.founder.device;
    first.stage(Change::Admit(&request), &history(), device, &later, rng).unwrap();
}
