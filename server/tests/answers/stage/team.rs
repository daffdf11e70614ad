//! A structure, its manager, and workers who join it.

use axum::http::StatusCode;
use reconnect_format::{
    PublicKey, Signature, Signed, Suite,
    account::RecipientPublicKey,
    api::{Admitted, FoundStructure, GrantWraps, GroupChange, Invite, Join, Joining, Submission},
    encode,
    grant::{GrantTerms, OWNER_WRAP_BYTES, RECIPIENT_WRAP_BYTES, RecipientName, Scope},
    id::{Base64, DocumentId, GrantId, InvitationId, StructureId},
    receipt::{Receipt, Subject},
    statement::Body,
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, Founding, Invitation, JoinRequest, Link, Role,
        RosterTerms, StructureBody, StructureStatement,
    },
};

use super::{Answer, NOW, Person, Server, random};

/// A structure as its manager knows it.
pub(crate) struct Team {
    pub(crate) id: StructureId,
    pub(crate) key_id: [u8; 32],
    pub(crate) heads: Vec<[u8; 32]>,
    mls_epoch: u64,
    members: u32,
}

fn roster(mls_epoch: u64, roster_size: u32) -> RosterTerms {
    RosterTerms {
        group: 1,
        mls_epoch,
        roster_hash: random(),
        roster_size,
        tree_hash: random(),
        authenticator_hash: random(),
    }
}

fn hash(link: &[u8]) -> [u8; 32] {
    let link: Link = reconnect_format::decode(link).expect("decodes");
    let object = match link {
        Link::Root { statement } => statement,
        Link::Manager { statement } | Link::Member { statement, .. } => statement.object,
    };
    reconnect_format::Label::StructureStatement.hash(&object)
}

fn by_manager(manager: &Person, statement: StructureStatement) -> Vec<u8> {
    let statement = reconnect_format::decode(&manager.attest(statement)).expect("attested");
    Link::Manager { statement }.encode()
}

impl Team {
    pub(crate) fn founding(manager: &Person, name: &str) -> (Self, FoundStructure) {
        let root = ed25519_dalek::SigningKey::from_bytes(&random());
        let founding = Founding {
            suite: Suite::V1,
            name: name.as_bytes().to_vec(),
            place: b"Lyon 3e".to_vec(),
            root: PublicKey(root.verifying_key().to_bytes()),
            recovery: RecipientPublicKey(random()).into(),
            founder: manager.id(),
            nonce: random(),
        };
        let structure_id = founding.structure_id();
        let first = StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: 1,
            previous: [0; 32],
            made_at: NOW,
            body: StructureBody::Found(founding),
        };
        let first = Signed::make(first, |message| {
            Signature(ed25519_dalek::Signer::sign(&root, message).to_bytes())
        });
        let recipient = RecipientPublicKey(random());
        let key_id = recipient.id();
        let second = StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: 2,
            previous: first.hash(),
            made_at: NOW,
            body: StructureBody::Epoch(EpochTerms {
                epoch: 1,
                recipient: recipient.into(),
                roster: roster(1, 1),
                revoked: Vec::new(),
            }),
        };
        let second = by_manager(manager, second);
        let heads = vec![first.hash(), hash(&second)];
        let team = Self { id: structure_id, key_id, heads, mls_epoch: 1, members: 1 };
        let certificate = team.certificate(manager, manager, Role::Manager, 1);
        let request = FoundStructure {
            statements: vec![
                Base64(Link::Root { statement: first.encode() }.encode()),
                Base64(second),
            ],
            certificate: Base64(certificate),
            history: Base64(random::<64>().to_vec()),
            recovery: Base64(random::<64>().to_vec()),
        };
        (team, request)
    }

    pub(crate) async fn found(server: &Server, manager: &Person, name: &str) -> Self {
        let (team, request) = Self::founding(manager, name);
        let answer = server.post("/v1/structures", Some(&manager.token), &request).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        team
    }

    fn certificate(&self, manager: &Person, member: &Person, role: Role, number: u32) -> Vec<u8> {
        manager.attest(Certificate {
            suite: Suite::V1,
            structure_id: self.id,
            serial: number.into(),
            number,
            account_id: member.id(),
            role,
            ends_at: NOW + 365 * 86400,
        })
    }

    pub(crate) fn invitation(&self, manager: &Person) -> (InvitationId, Invite) {
        let invitation_id = InvitationId(random());
        let invitation = manager.attest(Invitation {
            suite: Suite::V1,
            structure_id: self.id,
            invitation_id,
            role: Role::Worker,
            ends_at: NOW + 86400,
        });
        let kept = Base64(random::<40>().to_vec());
        (invitation_id, Invite { invitation: Base64(invitation), kept })
    }

    pub(crate) fn answer(&self, invitation_id: InvitationId, worker: &Person) -> Join {
        let request = JoinRequest {
            suite: Suite::V1,
            structure_id: self.id,
            invitation_id,
            account_id: worker.id(),
            device_id: worker.device_id,
            key_package: random::<32>().to_vec(),
            sealed_name: random::<32>().to_vec(),
        };
        Join { join: Base64(encode(&AuthenticatedJoin { request, tag: random() })) }
    }

    pub(crate) fn admission(
        &self,
        manager: &Person,
        worker: &Person,
        id: InvitationId,
    ) -> GroupChange {
        let statement = StructureStatement {
            suite: Suite::V1,
            structure_id: self.id,
            sequence: self.heads.len() as u64 + 1,
            previous: self.heads.last().copied().unwrap_or_default(),
            made_at: NOW,
            body: StructureBody::Roster {
                terms: roster(self.mls_epoch + 1, self.members + 1),
                answers: None,
            },
        };
        GroupChange {
            mls_epoch: self.mls_epoch,
            commit: Base64(random::<50>().to_vec()),
            statements: vec![Base64(by_manager(manager, statement))],
            history: Base64(random::<70>().to_vec()),
            recovery: Base64(random::<70>().to_vec()),
            joining: Some(Joining::Admitted(Admitted {
                welcome: Base64(random::<60>().to_vec()),
                certificate: Base64(self.certificate(
                    manager,
                    worker,
                    Role::Worker,
                    self.members + 1,
                )),
                invitation_id: id,
            })),
        }
    }

    /// Invites, lets the worker answer, and admits them.
    pub(crate) async fn hire(
        &mut self,
        server: &Server,
        manager: &Person,
        worker: &Person,
    ) -> GroupChange {
        let (id, invite) = self.invitation(manager);
        let path = format!("/v1/structures/{}/invitations", self.id);
        let answer = server.post(&path, Some(&manager.token), &invite).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let path = format!("/v1/invitations/{id}/join");
        let answer = server.post(&path, Some(&worker.token), &self.answer(id, worker)).await;
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        let admission = self.admission(manager, worker, id);
        let path = format!("/v1/structures/{}/commits", self.id);
        let answer = server.post(&path, Some(&manager.token), &admission).await;
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        self.heads.push(hash(&admission.statements[0].0));
        self.mls_epoch += 1;
        self.members += 1;
        admission
    }
}

impl Person {
    /// Compares a structure's code and gives it a document for a week.
    pub(crate) async fn give(
        &mut self,
        server: &Server,
        team: &Team,
        document_id: DocumentId,
    ) -> Result<GrantId, Answer> {
        if self.manifest.compared(team.id).is_none() {
            let compare = Body::CompareStructure {
                structure_id: team.id,
                sequence: team.heads.len() as u64,
                head: team.heads.last().copied().unwrap_or_default(),
            };
            let answer = self.submit(server, compare, Submission::default()).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        let terms = GrantTerms {
            grant_id: GrantId(random()),
            recipient: RecipientName::Structure {
                structure_id: team.id,
                epoch: 1,
                key_id: team.key_id,
            },
            scope: Scope::Documents { document_ids: vec![document_id] },
            ends_at: NOW + 7 * 86400,
            face_hash: random(),
            commitment: random(),
        };
        let grant_id = terms.grant_id;
        let record = self.manifest.document(document_id).expect("a document").clone();
        let wraps = record.envelopes().map(|envelope| reconnect_format::api::Wrap {
            grant_id,
            envelope_id: envelope.envelope_id,
            wrap: Base64(random::<48>().to_vec()),
        });
        let submission = Submission {
            wraps: wraps.collect(),
            grant: Some(GrantWraps {
                owner_wrap: Base64(random::<OWNER_WRAP_BYTES>().to_vec()),
                recipient_wrap: Base64(vec![7; RECIPIENT_WRAP_BYTES]),
            }),
            ..Submission::default()
        };
        let answer = self.submit(server, Body::Grant(terms), submission).await;
        if answer.status == StatusCode::OK { Ok(grant_id) } else { Err(answer) }
    }

    /// A receipt of this worker.
    pub(crate) fn receipt(
        &self,
        team: &Team,
        (grant_id, owner): (GrantId, &Person),
        named: (u32, Subject),
    ) -> reconnect_format::api::GiveReceipt {
        self.receipt_with(team, (grant_id, owner), named, random())
    }

    /// The same, with a nonce that somebody chose.
    pub(crate) fn receipt_with(
        &self,
        team: &Team,
        (grant_id, owner): (GrantId, &Person),
        (worker_number, subject): (u32, Subject),
        nonce: [u8; 16],
    ) -> reconnect_format::api::GiveReceipt {
        let receipt = Receipt {
            suite: Suite::V1,
            grant_id,
            owner: owner.id(),
            structure_id: team.id,
            worker_number,
            account_id: self.id(),
            device_id: self.device_id,
            subject,
            made_at: NOW,
            nonce,
        };
        reconnect_format::api::GiveReceipt { receipt: Base64(self.attest(receipt)) }
    }
}
