//! Members who agree: founding, seeds, histories, several devices.

use super::*;

#[test]
fn a_founder_is_alone_and_may_be_restored() {
    let (house, group) = House::found(1);
    assert_eq!(group.mls_epoch(), 0);
    assert_eq!(group.structure_id(), house.id());
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 1);
    let members = group.members().unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].account_id, house.founder.account_id);
    assert_eq!(members[0].device_id, house.founder.device_id);
    let resumed = Group::resume(house.id(), 1, &group.snapshot()).unwrap();
    assert_agree(&group, &resumed, &house);
    assert_eq!(format!("{group:?}"), format!("Group({}, 0)", house.id()));
}

#[test]
fn a_founder_signs_with_the_key_that_the_proof_names() {
    let (founder, other) = (person(1, 1), person(2, 2));
    let id = StructureId([0; 32]);
    let error = Group::found(id, 1, &founder.device, &other.proof).unwrap_err();
    assert_eq!(error, GroupError::NotAllowed);
    let error = Newcomer::new(&founder.device, &other.proof).unwrap_err();
    assert_eq!(error, GroupError::NotAllowed);
}

#[test]
fn three_members_agree_and_read_what_was_given_before() {
    let (mut house, mut first) = House::found(1);
    let (mut second, admission) = house.admit(&mut first, &person(2, 2));
    assert_eq!(admission.mls_epoch, 0);
    assert_eq!(first.mls_epoch(), 1);
    assert_agree(&first, &second, &house);
    assert_is_history(&second.open_history(&admission.history).unwrap());
    assert_is_history(&first.open_history(&admission.history).unwrap());

    let (third, admission) = house.admit(&mut first, &person(3, 3));
    assert_eq!(second.open_history(&admission.history).err(), Some(GroupError::Damaged));
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
    assert_agree(&first, &third, &house);
    assert_eq!(admission.roster.roster_size, 3);
    assert_eq!(admission.roster, third.roster(&house.gate()).unwrap());
    assert_is_history(&third.open_history(&admission.history).unwrap());
    assert_is_history(&second.open_history(&admission.history).unwrap());
    assert_eq!(third.members().unwrap().len(), 3);
}

#[test]
fn an_epoch_seed_is_its_epochs_and_its_structures() {
    let (mut house, mut group) = House::found(1);
    let (_, other) = House::found(2);
    let before = RecipientKey::of_epoch(&group.epoch_seed(1).unwrap()).public().clone();
    assert_ne!(&before, RecipientKey::of_epoch(&other.epoch_seed(1).unwrap()).public());
    house.admit(&mut group, &person(2, 2));
    assert_ne!(&before, RecipientKey::of_epoch(&group.epoch_seed(1).unwrap()).public());
}

#[test]
fn every_seed_of_a_history_must_be_the_chains() {
    let (mut house, group) = House::found(1);
    let first = group.epoch_seed(1).unwrap();
    let seed = |byte| EpochSeed::from_bytes([byte; 32]);
    for epoch in 2..=4 {
        let roster = group.roster(&house.gate()).unwrap();
        let key = RecipientKey::of_epoch(&seed(u8::try_from(epoch).unwrap())).public().clone();
        house.say(StructureBody::Epoch(EpochTerms {
            epoch,
            recipient: Box::new(key),
            roster,
            revoked: vec![],
        }));
    }
    let check = |seeds: &[(u64, u8)]| {
        let known = |(epoch, byte): &(u64, u8)| match byte {
            1 => (*epoch, EpochSeed::from_bytes(*first.expose())),
            other => (*epoch, seed(*other)),
        };
        History { seeds: seeds.iter().map(known).collect(), names: vec![] }.check(&house.chain)
    };
    assert_eq!(check(&[(1, 1), (2, 2), (3, 3), (4, 4)]), Ok(()));
    assert_eq!(check(&[(2, 2), (4, 4)]), Ok(()), "what nothing is wrapped to may be gone");
    for wrong in [
        // Another seed in an old epoch, in the middle, in the newest; twice; one that is swapped.
        &[(1, 9), (2, 2), (3, 3), (4, 4)][..],
        &[(1, 1), (2, 9), (3, 3), (4, 4)],
        &[(1, 1), (2, 2), (3, 3), (4, 9)],
        &[(1, 1), (1, 9), (4, 4)],
        &[(2, 3), (3, 2), (4, 4)],
        // No newest; epochs that the chain does not have.
        &[(1, 1), (2, 2), (3, 3)],
        &[(4, 4), (5, 5)],
        &[(0, 4), (4, 4)],
        &[],
    ] {
        assert_eq!(check(wrong), Err(GroupError::Damaged), "{wrong:?}");
    }
}

#[test]
fn a_history_opens_in_its_epoch_only_and_whole() {
    let (mut house, mut group) = House::found(1);
    let rng = &mut UnwrapErr(SysRng);
    let sealed = group.seal_history(&history(), rng).unwrap();
    assert_ne!(sealed, group.seal_history(&history(), rng).unwrap(), "sealed twice, salted twice");
    for index in [0, 31, 32, sealed.len() - 1] {
        let mut damaged = sealed.clone();
        damaged[index] ^= 1;
        assert_eq!(group.open_history(&damaged).err(), Some(GroupError::Damaged));
    }
    assert_eq!(group.open_history(&sealed[..40]).err(), Some(GroupError::Damaged));
    house.admit(&mut group, &person(2, 2));
    assert_eq!(group.open_history(&sealed).err(), Some(GroupError::Damaged));
}

#[test]
fn two_devices_of_one_person_are_one_member_of_the_roster() {
    let (mut house, mut first) = House::found(1);
    house.admit(&mut first, &person(2, 2));
    house.let_in(&mut first, &person(2, 3));
    assert_eq!(first.roster(&house.gate()).unwrap().roster_size, 2);
    assert_eq!(first.members().unwrap().len(), 3);
}
