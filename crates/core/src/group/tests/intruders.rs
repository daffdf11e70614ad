//! Who is not let in, and what nobody may commit.

use super::*;

#[test]
fn a_manager_refuses_ghosts_and_is_what_it_was() {
    let (mut house, mut group) = House::found(1);
    let ghost = person(9, 9);
    let before = group.snapshot();
    let (_, request) = ghost.ask(house.id());
    let refused = |house: &House, group: &mut Group, request: &JoinRequest, error| {
        assert_eq!(house.stage(group, request).err(), Some(error));
        assert_eq!(*group.snapshot(), *before);
    };
    // No certificate at all.
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // One that the ghost signed: it does not become a verified certificate.
    let forged =
        ghost.device.signing.sign(house.certificate(ghost.account_id, NOW + 1).into_body());
    let opened = verify_certificate(&ghost.attest(forged.encode()), &house.chain);
    assert_eq!(opened.unwrap_err(), ChainError::WrongSigner);
    // One of another structure with the same manager.
    let (elsewhere, _) = House::found(2);
    house.certificates.push(elsewhere.certificate(ghost.account_id, NOW + YEAR));
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // One that has ended, and one that has ended after a longer one.
    house.certificates.push(house.certificate(ghost.account_id, NOW + YEAR));
    house.certificates.push(house.certificate(ghost.account_id, NOW));
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // A certified worker's proof with the ghost's key.
    let worker = person(2, 2);
    house.certify(&worker);
    let (_, stolen) = forge(&ghost, &worker.proof, lifetime());
    let stolen = worker.request(house.id(), bytes(&stolen.into()));
    refused(&house, &mut group, &stolen, GroupError::NotAllowed);
    // A certified worker's key package in somebody else's request, or for another structure.
    let (_, mut request) = worker.ask(house.id());
    request.account_id = ghost.account_id;
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    let (_, request) = worker.ask(elsewhere.id());
    refused(&house, &mut group, &request, GroupError::NotAllowed);
    // A lifetime would lock out whoever is away when it ends.
    let (_, mortal) = forge(&worker, &worker.proof, Lifetime::default());
    let mortal = worker.request(house.id(), bytes(&mortal.into()));
    refused(&house, &mut group, &mortal, GroupError::NotAllowed);
    // A flipped bit.
    let (_, mut request) = worker.ask(house.id());
    let middle = request.key_package.len() / 2;
    request.key_package[middle] ^= 1;
    refused(&house, &mut group, &request, GroupError::Damaged);
    // The group is as usable as before.
    house.admit(&mut group, &worker);
}

#[test]
fn members_and_newcomers_refuse_a_ghost_whom_a_manager_added() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let (ghost, third) = (person(9, 9), person(3, 3));
    let (_, package) = forge(&ghost, &ghost.proof, lifetime());
    let mut hostile = first.copy().unwrap();
    let (commit, _) = add_unchecked(&mut hostile, &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // Even when the chain claims that very epoch.
    let mut lying = house.copy();
    lying.state(unjudged(&hostile));
    assert_refused(&mut second, &commit, &lying.gate(), GroupError::NotAllowed);

    // A newcomer who is certified, welcomed into the group with the ghost in it.
    house.certify(&third);
    lying.certificates.clone_from(&house.certificates);
    let (newcomer, package) = forge(&third, &third.proof, lifetime());
    let (_, welcome) = add_unchecked(&mut hostile, &house.founder, package);
    lying.state(unjudged(&hostile));
    assert_eq!(newcomer.join(&welcome, None, &lying.gate()).err(), Some(GroupError::NotAllowed));

    // Nor when the chain has gone further since.
    let mls_epoch = hostile.mls_epoch() + 1;
    lying.state(RosterTerms { mls_epoch, ..unjudged(&hostile) });
    assert_eq!(newcomer.join(&welcome, None, &lying.gate()).err(), Some(GroupError::NotAllowed));

    // A worker's proof under the ghost's key.
    let worker = person(4, 4);
    house.certify(&worker);
    let (_, package) = forge(&ghost, &worker.proof, lifetime());
    let (commit, _) = add_unchecked(&mut first.copy().unwrap(), &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // A certified worker, for a while only.
    let (_, package) = forge(&worker, &worker.proof, Lifetime::default());
    let (commit, _) = add_unchecked(&mut first.copy().unwrap(), &house.founder, package);
    assert_refused(&mut second, &commit, &house.gate(), GroupError::NotAllowed);

    // The epoch did not move: the honest commit fits.
    let (_, admission) = house.admit(&mut first, &third);
    second.take_in(&admission.commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn only_managers_commit_and_welcome() {
    let (mut house, mut first) = House::found(1);
    let (worker, third) = (person(2, 2), person(3, 3));
    let (mut second, _) = house.admit(&mut first, &worker);
    house.certify(&third);
    let (newcomer, request) = third.ask(house.id());
    let rng = &mut UnwrapErr(SysRng);
    let gate = house.gate();
    // The worker's own client refuses, whichever device it is given.
    for device in [&worker.device, &house.founder.device] {
        let staged = second.stage(Change::Admit(&request), &history(), device, &gate, rng);
        assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    }
    // A manager's client takes only its own device, even beside another manager's.
    let other = person(1, 7);
    let staged = first.stage(Change::Admit(&request), &history(), &other.device, &gate, rng);
    assert_eq!(staged.err(), Some(GroupError::NotAllowed));
    // A changed client does not, but everybody else's does.
    let (_, package) = forge(&third, &third.proof, lifetime());
    let (commit, _) = add_unchecked(&mut second.copy().unwrap(), &worker, package);
    assert_refused(&mut first, &commit, &house.gate(), GroupError::NotAllowed);
    // And the newcomer finds no statement for it: a worker's cannot change who is in the roster.
    let package = read_key_package(&second.store, &request.key_package).unwrap();
    let (_, welcome) = add_unchecked(&mut second, &worker, package);
    assert_eq!(newcomer.join(&welcome, None, &house.gate()).err(), Some(GroupError::Unstated));
}

#[test]
fn a_manager_adds_and_renews_and_nothing_else() {
    let (mut house, mut first) = House::found(1);
    let (mut second, _) = house.admit(&mut first, &person(2, 2));
    let signer = LeafSigner(&house.founder.device.leaf);

    // A removal.
    let mut hostile = first.copy().unwrap();
    let index = second.mls.own_leaf_index();
    let (commit, _, _) =
        hostile.mls.remove_members(hostile.store.provider(), &signer, &[index]).unwrap();
    assert_refused(&mut second, &bytes(&commit), &house.gate(), GroupError::NotAllowed);

    // A standalone proposal.
    let mut hostile = first.copy().unwrap();
    let proposal = hostile.mls.leave_group(hostile.store.provider(), &signer).unwrap();
    assert_refused(&mut second, &bytes(&proposal), &house.gate(), GroupError::NotAllowed);

    // An application message.
    let mut hostile = first.copy().unwrap();
    let message = hostile.mls.create_message(hostile.store.provider(), &signer, b"hello").unwrap();
    assert_refused(&mut second, &bytes(&message), &house.gate(), GroupError::NotAllowed);

    // A change of the group's context.
    let mut hostile = first.copy().unwrap();
    let (commit, _, _) = hostile
        .mls
        .update_group_context_extensions(hostile.store.provider(), Extensions::empty(), &signer)
        .unwrap();
    assert_refused(&mut second, &bytes(&commit), &house.gate(), GroupError::NotAllowed);

    // Another person's leaf in the committer's place.
    let mut hostile = first.copy().unwrap();
    let other = credential(&person(2, 3).device, &person(2, 3).proof).unwrap();
    let changed = CredentialWithKey {
        credential: other.credential,
        signature_key: house.founder.device.leaf.public().0.to_vec().into(),
    };
    let leaf = LeafNodeParameters::builder().with_credential_with_key(changed).build();
    let bundle = hostile.mls.self_update(hostile.store.provider(), &signer, leaf).unwrap();
    assert_refused(&mut second, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);

    // A worker's leaf, and the worker's own key.
    let mut hostile = first.copy().unwrap();
    let worker = person(2, 3);
    let bundle = NewSignerBundle {
        signer: &LeafSigner(&worker.device.leaf),
        credential_with_key: credential(&worker.device, &worker.proof).unwrap(),
    };
    let leaf = LeafNodeParameters::default();
    let provider = hostile.store.provider();
    let bundle = hostile.mls.self_update_with_new_signer(provider, &signer, bundle, leaf).unwrap();
    assert_refused(&mut second, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);

    // A renewal of the committer's own encryption key.
    let leaf = LeafNodeParameters::default();
    let bundle = first.mls.self_update(first.store.provider(), &signer, leaf).unwrap();
    first.mls.merge_pending_commit(first.store.provider()).unwrap();
    let commit = bytes(bundle.commit());
    house.state(first.roster(&house.gate()).unwrap());
    second.take_in(&commit, None, &house.gate()).unwrap();
    assert_agree(&first, &second, &house);
}

#[test]
fn nobody_joins_by_themselves() {
    let (mut house, mut first) = House::found(1);
    house.admit(&mut first, &person(2, 2));
    let third = person(3, 3);
    house.certify(&third);
    let signer = LeafSigner(&house.founder.device.leaf);
    let crypto = first.store.provider().crypto();
    let info = bytes(&first.mls.export_group_info(crypto, &signer, true).unwrap());
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&info).unwrap();
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { unreachable!() };
    let store = Store::default();
    let signer = LeafSigner(&third.device.leaf);
    let (_, bundle) = MlsGroup::external_commit_builder()
        .with_config(join_config())
        .build_group(store.provider(), info, credential(&third.device, &third.proof).unwrap())
        .unwrap()
        .leaf_node_parameters(
            LeafNodeParameters::builder().with_capabilities(capabilities()).build(),
        )
        .load_psks(store.provider().storage())
        .unwrap()
        .build(store.provider().rand(), store.provider().crypto(), &signer, |_| true)
        .unwrap()
        .finalize(store.provider())
        .unwrap();
    assert_refused(&mut first, &bytes(bundle.commit()), &house.gate(), GroupError::NotAllowed);
}

#[test]
fn extensions_are_refused_wherever_they_are() {
    let (mut house, mut group) = House::found(1);
    let third = person(3, 3);
    house.certify(&third);
    let unknown = Extension::Unknown(0xff01, UnknownExtension(vec![1]));
    let known = [unknown.extension_type(), ExtensionType::LastResort];
    let builder = KeyPackage::builder()
        .key_package_lifetime(lifetime())
        .leaf_node_capabilities(Capabilities::new(None, Some(&[SUITE]), Some(&known), None, None));
    let extended = [
        builder.clone().leaf_node_extensions(Extensions::single(unknown).unwrap()),
        builder.mark_as_last_resort(),
    ];
    for builder in extended {
        let store = Store::default();
        let signer = LeafSigner(&third.device.leaf);
        let credential = credential(&third.device, &third.proof).unwrap();
        let bundle = builder.build(SUITE, store.provider(), &signer, credential).unwrap();
        let request = third.request(house.id(), bytes(&bundle.into_key_package().into()));
        assert_eq!(house.stage(&mut group, &request).err(), Some(GroupError::NotAllowed));
    }
}

/// A group of this structure that was founded with other choices.
fn found_otherwise(house: &House, config: &MlsGroupCreateConfig) -> Group {
    let founder = &house.founder;
    let store = Store::default();
    let signer = LeafSigner(&founder.device.leaf);
    let credential = credential(&founder.device, &founder.proof).unwrap();
    let id = group_id(house.id(), 1);
    let mls =
        MlsGroup::new_with_group_id(store.provider(), &signer, config, id, credential).unwrap();
    Group { structure_id: house.id(), number: 1, store, mls, staged: None }
}

#[test]
fn a_group_with_other_choices_is_nobodys() {
    let (mut house, _) = House::found(1);
    let classical = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
    let config = MlsGroupCreateConfig::builder().ciphersuite(classical).build();
    let group = found_otherwise(&house, &config);
    assert_eq!(group.roster(&house.gate()), Err(GroupError::NotAllowed));

    let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::default());
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .capabilities(capabilities())
        .use_ratchet_tree_extension(true)
        .with_group_context_extensions(Extensions::single(required).unwrap())
        .build();
    let mut group = found_otherwise(&house, &config);
    assert_eq!(group.roster(&house.gate()), Err(GroupError::NotAllowed));
    let second = person(2, 2);
    house.certify(&second);
    let (newcomer, package) = forge(&second, &second.proof, lifetime());
    let (_, welcome) = add_unchecked(&mut group, &house.founder, package);
    house.state(unjudged(&group));
    assert_eq!(newcomer.join(&welcome, None, &house.gate()).err(), Some(GroupError::NotAllowed));
}
