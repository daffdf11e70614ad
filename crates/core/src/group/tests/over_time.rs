//! Members who leave, bring another device in, or come back; a group that nobody is left in.

use reconnect_format::structure::LeafRequest;

use super::*;
use crate::key::RecipientKey;

/// A request of `person` for a leaf, whose signature was checked by whoever was given it.
fn ask_for_leaf(person: &Person, house: &House, gone: &[u8]) -> (Newcomer, LeafRequest) {
    let (newcomer, key_package) = Newcomer::new(&person.device, &person.proof).unwrap();
    let gone = gone.iter().map(|device| DeviceId([*device; 16])).collect();
    let request = LeafRequest {
        suite: Suite::V1,
        structure_id: house.id(),
        account_id: person.account_id,
        device_id: person.device_id,
        key_package,
        gone,
        made_at: NOW,
    };
    (newcomer, request)
}

fn stage(
    house: &House,
    group: &mut Group,
    by: &Person,
    change: Change<'_>,
) -> Result<Staged, GroupError> {
    group.stage(change, &history(), &by.device, &house.gate(), &mut UnwrapErr(SysRng))
}

impl House {
    /// The chain's next statement begins an epoch, with which these left.
    fn begin_epoch(&mut self, staged: &Staged, revoked: Vec<u32>) {
        let seed = staged.seed.as_ref().unwrap();
        self.say(StructureBody::Epoch(EpochTerms {
            epoch: 2,
            recipient: Box::new(RecipientKey::of_epoch(seed).public().clone()),
            roster: staged.roster.clone(),
            revoked,
        }));
    }

    /// The chain's next statement is a member's: another device came in.
    fn state_as_member(&mut self, member: &Person, certificate: usize, roster: RosterTerms) {
        let (sequence, previous) = self.chain.head();
        let statement = StructureStatement {
            suite: Suite::V1,
            structure_id: self.id(),
            sequence: sequence + 1,
            previous,
            made_at: NOW,
            body: StructureBody::Roster(roster),
        };
        let object = member.device.signing.sign(statement).encode();
        let statement = Attested { object, proof: member.proof.clone() };
        let object = self.certificates[certificate].encode();
        let certificate = Attested { object, proof: self.founder.proof.clone() };
        self.chain.append(&Link::Member { statement, certificate }.encode()).unwrap();
    }
}

/// The founder, and two workers with their groups.
fn three() -> (House, Group, (Person, Group), (Person, Group)) {
    let (mut house, mut group) = House::found(1);
    let (one, other) = (person(2, 2), person(3, 3));
    let (mut first, _) = house.admit(&mut group, &one);
    let (second, admission) = house.admit(&mut group, &other);
    first.take_in(&admission.commit, &house.gate()).unwrap();
    (house, group, (one, first), (other, second))
}

#[test]
fn who_leaves_is_in_no_later_epoch_and_opens_no_later_history() {
    let (mut house, mut group, (worker, mut left), (_, mut stays)) = three();
    let change = Change::Leave { account_id: worker.account_id, epoch: 2 };
    let founder = person(1, 1);
    let staged = stage(&house, &mut group, &founder, change).unwrap();
    assert!(staged.welcome.is_none());
    house.begin_epoch(&staged, vec![2]);
    group.merge_staged().unwrap();
    stays.take_in(&staged.commit, &house.gate()).unwrap();
    assert_agree(&group, &stays, &house);
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 2);
    // The seed is in the history that those who stay open, and the one who left does not.
    let opened = stays.open_history(&staged.history).unwrap();
    let newest = opened.seeds.last().unwrap();
    assert_eq!((newest.0, newest.1.expose()), (2, staged.seed.as_ref().unwrap().expose()));
    assert_eq!(left.open_history(&staged.history).err(), Some(GroupError::Damaged));
    assert_ne!(left.epoch_seed(2).unwrap().expose(), newest.1.expose());
    // Not even with the commit, whatever chain they believe in.
    assert!(left.take_in(&staged.commit, &house.gate()).is_err());
    // Paper opens it.
    let info = Label::HistoryRecovery.with(&stays.context(stays.mls_epoch()));
    let paper = RecipientKey::of_paper(&[1; 32]);
    let plain = paper.unwrap(&info, &staged.recovery).unwrap();
    assert_eq!(History::decode(&plain).unwrap().seeds.len(), 3);
    // Whoever left is refused as anything from now on.
    let (_, request) = ask_for_leaf(&worker, &house, &[]);
    let again = stage(&house, &mut group, &founder, Change::Leaf(&request));
    assert_eq!(again.err(), Some(GroupError::NotAllowed));
}

#[test]
fn nobody_is_put_out_in_silence() {
    let (mut house, mut group, (worker, _), (_, mut stays)) = three();
    let change = Change::Leave { account_id: worker.account_id, epoch: 2 };
    let staged = stage(&house, &mut group, &person(1, 1), change).unwrap();
    // The statement keeps quiet about who left.
    house.begin_epoch(&staged, vec![]);
    assert_refused(&mut stays, &staged.commit, &house.gate(), GroupError::NotAllowed);
}

#[test]
fn a_worker_puts_nobody_out() {
    let (mut house, mut group, (worker, mut first), (other, _)) = three();
    let change = Change::Leave { account_id: other.account_id, epoch: 2 };
    let staged = stage(&house, &mut first, &worker, change);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // The same by hand, with the library alone: the others refuse it.
    let gone = first.leaves(|device| device.account_id == other.account_id).unwrap();
    let signer = LeafSigner(&worker.device.leaf);
    let (commit, _, _) = first.mls.remove_members(first.store.provider(), &signer, &gone).unwrap();
    house.chain.roster = Some(RosterTerms { mls_epoch: 99, ..unjudged(&group) });
    assert_refused(&mut group, &bytes(&commit), &house.gate(), GroupError::NotAllowed);
}

#[test]
fn any_member_lets_another_device_of_a_member_in_and_the_old_leaf_out() {
    let (mut house, mut group, (worker, mut first), (_, mut second)) = three();
    // The second's browser was cleared: a new device of the same account asks.
    let cleared = person(3, 9);
    let (newcomer, request) = ask_for_leaf(&cleared, &house, &[3]);
    let staged = stage(&house, &mut first, &worker, Change::Leaf(&request)).unwrap();
    assert!(staged.seed.is_none());
    house.state_as_member(&worker, 1, staged.roster.clone());
    first.merge_staged().unwrap();
    group.take_in(&staged.commit, &house.gate()).unwrap();
    let back = newcomer.join(&welcome(&staged), &house.gate()).unwrap();
    assert_agree(&first, &back, &house);
    assert_agree(&group, &back, &house);
    assert_eq!(group.members().unwrap().len(), 3);
    assert_is_history(&back.open_history(&staged.history).unwrap());
    assert!(second.take_in(&staged.commit, &house.gate()).is_err());
    // And a device beside the first one.
    let (newcomer, request) = ask_for_leaf(&person(3, 10), &house, &[]);
    let staged = stage(&house, &mut group, &person(1, 1), Change::Leaf(&request)).unwrap();
    house.state(staged.roster.clone());
    group.merge_staged().unwrap();
    first.take_in(&staged.commit, &house.gate()).unwrap();
    newcomer.join(&welcome(&staged), &house.gate()).unwrap();
    assert_eq!(group.members().unwrap().len(), 4);
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 3);
}

#[test]
fn a_worker_brings_in_no_stranger_and_takes_no_leaf_of_somebody_else() {
    let (house, mut group, (worker, mut first), (other, _)) = three();
    let (_, request) = ask_for_leaf(&person(7, 1), &house, &[]);
    let staged = stage(&house, &mut first, &worker, Change::Leaf(&request));
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // A device of one, and the leaf of another: only by hand.
    let (_, request) = ask_for_leaf(&person(2, 5), &house, &[]);
    let package = read_key_package(&first.store, &request.key_package).unwrap();
    let gone = first.leaves(|device| device.account_id == other.account_id).unwrap();
    let signer = LeafSigner(&worker.device.leaf);
    let provider = first.store.provider();
    let (commit, _, _) = first
        .mls
        .commit_builder()
        .propose_adds([package])
        .propose_removals(gone)
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.rand(), provider.crypto(), &signer, |_| true)
        .unwrap()
        .stage_commit(provider)
        .unwrap()
        .into_messages();
    assert_refused(&mut group, &bytes(&commit), &house.gate(), GroupError::NotAllowed);
}

#[test]
fn a_group_that_nobody_is_left_in_is_over_when_another_begins() {
    let (mut house, _, _, (other, mut second)) = three();
    let founder = person(1, 1);
    let group = Group::found(house.id(), 2, &founder.device, &founder.proof).unwrap();
    let seed = group.epoch_seed(2).unwrap();
    let recipient = Box::new(RecipientKey::of_epoch(&seed).public().clone());
    let roster = group.roster(&house.gate()).unwrap();
    let (epoch, revoked) = (2, vec![]);
    house.say(StructureBody::Epoch(EpochTerms { epoch, recipient, roster, revoked }));
    group.compare(&house.gate()).unwrap();
    assert_eq!(second.compare(&house.gate()), Err(GroupError::Over));
    let mut group = group;
    let (newcomer, request) = ask_for_leaf(&other, &house, &[]);
    let staged = stage(&house, &mut group, &founder, Change::Leaf(&request)).unwrap();
    house.state(staged.roster.clone());
    group.merge_staged().unwrap();
    second = newcomer.join(&welcome(&staged), &house.gate()).unwrap();
    assert_agree(&group, &second, &house);
}
