//! Members who leave, bring another device in, or come back; a group that nobody is left in.

use reconnect_format::structure::verify_leaf_request;

use super::*;
use crate::key::RecipientKey;

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

    /// The chain's next statement is a member's: another device came in, or one went.
    fn state_as_member(
        &mut self,
        member: &Person,
        certificate: usize,
        (terms, answers): (RosterTerms, Option<[u8; 32]>),
    ) {
        let (sequence, previous) = self.chain.head();
        let statement = StructureStatement {
            suite: Suite::V1,
            structure_id: self.id(),
            sequence: sequence + 1,
            previous,
            made_at: NOW,
            body: StructureBody::Roster { terms, answers },
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
    first.take_in(&admission.commit, None, &house.gate()).unwrap();
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
    stays.take_in(&staged.commit, None, &house.gate()).unwrap();
    assert_agree(&group, &stays, &house);
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 2);
    // The seed is in the history that those who stay open, and the one who left does not.
    let opened = stays.open_history(&staged.history).unwrap();
    let newest = opened.seeds.last().unwrap();
    assert_eq!((newest.0, newest.1.expose()), (2, staged.seed.as_ref().unwrap().expose()));
    assert_eq!(left.open_history(&staged.history).err(), Some(GroupError::Damaged));
    assert_ne!(left.epoch_seed(2).unwrap().expose(), newest.1.expose());
    // Not even with the commit, whatever chain they believe in.
    assert!(left.take_in(&staged.commit, None, &house.gate()).is_err());
    // Paper opens it.
    let info = Label::HistoryRecovery.with(&stays.context(stays.mls_epoch()));
    let paper = RecipientKey::of_paper(&[1; 32]);
    let plain = paper.unwrap(&info, &staged.recovery).unwrap();
    assert_eq!(History::decode(&plain).unwrap().seeds.len(), 3);
    // Whoever left is refused as anything from now on.
    let (_, _, request) = ask_for_leaf(&worker, &house);
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
fn one_manager_puts_no_other_out() {
    let (mut house, mut group, (worker, _), (_, mut stays)) = three();
    house.say(StructureBody::AddManager { account_id: worker.account_id });
    let founder = person(1, 1);
    let change = Change::Leave { account_id: worker.account_id, epoch: 2 };
    let staged = stage(&house, &mut group, &founder, change);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // The same by hand. The chain knows no numbers' accounts: it takes the statement.
    let gone = group.leaves(|device| device.account_id == worker.account_id).unwrap();
    let signer = LeafSigner(&founder.device.leaf);
    let provider = group.store.provider();
    let (commit, _, _) = group.mls.remove_members(provider, &signer, &gone).unwrap();
    group.mls.merge_pending_commit(provider).unwrap();
    let seed = group.epoch_seed(2).unwrap();
    house.say(StructureBody::Epoch(EpochTerms {
        epoch: 2,
        recipient: Box::new(RecipientKey::of_epoch(&seed).public().clone()),
        roster: unjudged(&group),
        revoked: vec![2],
    }));
    assert_refused(&mut stays, &bytes(&commit), &house.gate(), GroupError::NotAllowed);
}

#[test]
fn any_member_lets_another_device_of_a_member_in_in_the_old_leafs_place() {
    let (mut house, mut group, (worker, mut first), (other, mut second)) = three();
    // The second's state was lost: the same device asks.
    let (newcomer, asked, request) = ask_for_leaf(&other, &house);
    let staged = stage(&house, &mut first, &worker, Change::Leaf(&request)).unwrap();
    assert!(staged.seed.is_none());
    house.state_as_member(&worker, 1, (staged.roster.clone(), Some(request.hash())));
    first.merge_staged().unwrap();
    group.take_in(&staged.commit, Some(&asked), &house.gate()).unwrap();
    let hash = Some(request.hash());
    let back = newcomer.join(&welcome(&staged), hash, &house.gate()).unwrap();
    assert_agree(&first, &back, &house);
    assert_agree(&group, &back, &house);
    assert_eq!(group.members().unwrap().len(), 3);
    assert_is_history(&back.open_history(&staged.history).unwrap());
    assert!(second.take_in(&staged.commit, Some(&asked), &house.gate()).is_err());
    // And a device beside the first one.
    let beside = person(3, 10);
    let (newcomer, asked, request) = ask_for_leaf(&beside, &house);
    let staged = stage(&house, &mut group, &person(1, 1), Change::Leaf(&request)).unwrap();
    let answers = Some(request.hash());
    house.say(StructureBody::Roster { terms: staged.roster.clone(), answers });
    group.merge_staged().unwrap();
    first.take_in(&staged.commit, Some(&asked), &house.gate()).unwrap();
    let mut new = newcomer.join(&welcome(&staged), answers, &house.gate()).unwrap();
    assert_eq!(group.members().unwrap().len(), 4);
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 3);
    // Which takes the first one's leaf away once its person has retired that.
    let change = Change::Retire(&[other.device_id]);
    let staged = stage(&house, &mut new, &beside, change).unwrap();
    house.state_as_member(&beside, 2, (staged.roster.clone(), None));
    new.merge_staged().unwrap();
    group.take_in(&staged.commit, None, &house.gate()).unwrap();
    assert_agree(&group, &new, &house);
    assert_eq!(group.members().unwrap().len(), 3);
    assert_eq!(group.roster(&house.gate()).unwrap().roster_size, 3);
}

#[test]
fn a_request_is_answered_as_it_was_signed_once_and_in_its_time() {
    let (mut house, mut group, (worker, mut first), (other, _)) = three();
    let (_, older, old) = ask_for_leaf(&other, &house);
    let (newcomer, asked, request) = ask_for_leaf(&other, &house);
    // The older of two is answered, while the statement names the newer.
    let lying = stage(&house, &mut first, &worker, Change::Leaf(&old)).unwrap();
    first.drop_staged().unwrap();
    let honest = house.copy();
    house.state_as_member(&worker, 1, (lying.roster.clone(), Some(request.hash())));
    for said in [None, Some(older.as_slice()), Some(&asked)] {
        let before = group.snapshot();
        let refused = group.take_in(&lying.commit, said, &house.gate());
        assert_eq!(refused, Err(GroupError::NotAllowed));
        assert_eq!(*group.snapshot(), *before);
    }
    // Or names the older: who asked last has not asked for that.
    house = honest.copy();
    house.state_as_member(&worker, 1, (lying.roster.clone(), Some(old.hash())));
    let hash = Some(request.hash());
    assert!(newcomer.join(&welcome(&lying), hash, &house.gate()).is_err());
    group.copy().unwrap().take_in(&lying.commit, Some(&older), &house.gate()).unwrap();
    // Or none.
    house = honest.copy();
    house.state_as_member(&worker, 1, (lying.roster.clone(), None));
    assert_refused(&mut group, &lying.commit, &house.gate(), GroupError::NotAllowed);
    // Once in a chain, and by a statement that comes after what it names, within thirty days.
    house = honest;
    let staged = stage(&house, &mut group, &person(1, 1), Change::Leaf(&request)).unwrap();
    house.say(StructureBody::Roster { terms: staged.roster.clone(), answers: hash });
    let (sequence, _) = house.chain.head();
    let terms = RosterTerms { mls_epoch: staged.roster.mls_epoch + 1, ..staged.roster };
    assert!(house.try_to_say(StructureBody::Roster { terms, answers: hash }).is_err());
    let at = |sequence, made_at| verify_leaf_request(&asked, house.id(), (sequence, made_at));
    assert!(at(sequence, NOW + 30 * 86_400).is_ok());
    assert!(at(sequence, NOW + 30 * 86_400 + 1).is_err());
    assert!(at(sequence - 1, NOW).is_err());
}

#[test]
fn a_worker_brings_in_no_stranger_and_takes_no_leaf_of_somebody_else() {
    let (mut house, mut group, (worker, mut first), (other, _)) = three();
    let (_, _, request) = ask_for_leaf(&person(7, 1), &house);
    let staged = stage(&house, &mut first, &worker, Change::Leaf(&request));
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    let staged = stage(&house, &mut first, &worker, Change::Retire(&[other.device_id]));
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // A device of one, and the leaf of another: only by hand.
    let (_, asked, request) = ask_for_leaf(&person(2, 5), &house);
    let package = read_key_package(&first.store, &request.body().key_package).unwrap();
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
    let terms = house.chain.roster.clone().unwrap();
    let terms = RosterTerms { mls_epoch: terms.mls_epoch + 1, ..terms };
    house.state_as_member(&worker, 1, (terms, Some(request.hash())));
    let before = group.snapshot();
    let refused = group.take_in(&bytes(&commit), Some(&asked), &house.gate());
    assert_eq!(refused, Err(GroupError::NotAllowed));
    assert_eq!(*group.snapshot(), *before);
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
    house.say_with_the_paper(StructureBody::Epoch(EpochTerms {
        epoch,
        recipient,
        roster,
        revoked,
    }));
    group.compare(&house.gate()).unwrap();
    assert_eq!(second.compare(&house.gate()), Err(GroupError::Over));
    let mut group = group;
    let (newcomer, _, request) = ask_for_leaf(&other, &house);
    let staged = stage(&house, &mut group, &founder, Change::Leaf(&request)).unwrap();
    house.state(staged.roster.clone());
    group.merge_staged().unwrap();
    second = newcomer.join(&welcome(&staged), None, &house.gate()).unwrap();
    assert_agree(&group, &second, &house);
}

#[test]
fn nobody_asks_in_their_own_name_for_a_colleagues_leaf() {
    let (mut house, mut group, (worker, mut first), (other, mut second)) = three();
    // Device ids are chosen by whoever adds the device, and who asked once has shown a key package.
    let (_, _, older) = ask_for_leaf(&other, &house);
    let mine = device_named(2, other.device_id, 99);
    assert_eq!(mine.account_id, worker.account_id);
    let request = LeafRequest {
        account_id: mine.account_id,
        key_package: older.body().key_package.clone(),
        ..older.body().clone()
    };
    let attested = mine.attest(mine.device.signing.sign(request).encode());
    let request = house.read(&attested).unwrap();
    let staged = stage(&house, &mut first, &worker, Change::Leaf(&request));
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // The same by hand: the colleague's leaf would go, and one come that nobody has the keys of.
    let package = read_key_package(&first.store, &request.body().key_package).unwrap();
    let gone = first.leaves(|device| device.account_id == other.account_id).unwrap();
    let provider = first.store.provider();
    let signer = LeafSigner(&worker.device.leaf);
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
    first.mls.merge_pending_commit(provider).unwrap();
    let terms = first.roster(&house.gate()).unwrap();
    house.state_as_member(&worker, 1, (terms, Some(request.hash())));
    for honest in [&mut group, &mut second] {
        let before = honest.snapshot();
        let refused = honest.take_in(&bytes(&commit), Some(&attested), &house.gate());
        assert_eq!(refused, Err(GroupError::NotAllowed));
        assert_eq!(*honest.snapshot(), *before);
    }
}
