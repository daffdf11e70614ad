//! Successor grants: what may take the place of a grant, and what may not.

use anyhow::Result;
use reconnect_format::{
    grant::{GrantTerms, RecipientName, Scope},
    id::{DocumentId, GrantId, StructureId},
    statement::Body,
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person},
    draw, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut given = Given::make()?;
    let next = given.next();
    for (name, about, terms) in given.spoilt(&next) {
        given.refuse(writer, name, "GRANT-9", about, (given.terms.grant_id, terms))?;
    }
    let own = given.person.manifest.owner_grant().map(|terms| terms.grant_id);
    let own = own.unwrap_or(GrantId([0; 16]));
    let about = "the owner's own in another's place";
    given.refuse(writer, "regrant-of-the-own", "GRANT-9", about, (own, next.clone()))?;
    let unknown = (GrantId([3; 16]), next.clone());
    given.refuse(writer, "regrant-of-nothing", "GRANT-9", "no such grant", unknown)?;
    let about = "the id of the one whose place it takes";
    let same = GrantTerms { grant_id: given.terms.grant_id, ..next.clone() };
    given.refuse(writer, "regrant-same-id", "STMT-6", about, (same.grant_id, same))?;
    // What follows is after the successor.
    let before = given.terms.grant_id;
    given.person.say(Body::Regrant { grant_id: before, terms: next.clone() })?;
    let good = Vector::new("chain", "regranted", "GRANT-9", "what is left of three papers")
        .hex("account", given.person.account.0)
        .hex("sequence", given.person.manifest.sequence().to_be_bytes())
        .hex("head", given.person.manifest.head())
        .hex("root", given.person.manifest.root());
    writer.put(&good.items(given.person.chain.clone()))?;
    let again = GrantTerms { grant_id: GrantId([4; 16]), ..next.clone() };
    let about = "its place was taken";
    given.refuse(writer, "regrant-twice", "GRANT-9", about, (before, again))?;
    let body = Body::Revoke { grant_id: before };
    given.refuse_body(writer, "revokes-what-was-renewed", "STMT-5", "it is gone", &body)?;
    let body = Body::Grant(GrantTerms { grant_id: before, ..next });
    given.refuse_body(writer, "renewed-comes-back", "STMT-6", "an id that was used", &body)
}

/// A person who gave three documents of four to a structure, and removed one of them since.
struct Given {
    person: Person,
    terms: GrantTerms,
    left: Vec<DocumentId>,
    gone: DocumentId,
    other: DocumentId,
}

impl Given {
    fn make() -> Result<Self> {
        let mut person = Person::open(seeded("successors"))?;
        let mut document_ids = Vec::new();
        for _ in 0..3 {
            document_ids.push(person.add_document()?);
        }
        document_ids.sort_unstable();
        let (left, gone) = (document_ids[..2].to_vec(), document_ids[2]);
        let other = person.add_document()?;
        let structure_id = StructureId([5; 32]);
        person.say(Body::CompareStructure { structure_id, sequence: 2, head: [6; 32] })?;
        person.say(Body::CompareStructure {
            structure_id: StructureId([8; 32]),
            sequence: 2,
            head: [6; 32],
        })?;
        let terms = GrantTerms {
            grant_id: GrantId(draw(&mut person.rng)),
            recipient: RecipientName::Structure { structure_id, epoch: 2, key_id: [7; 32] },
            scope: Scope::Documents { document_ids },
            ends_at: NOW + 30 * 86_400,
            face_hash: [8; 32],
            commitment: [9; 32],
        };
        person.say(Body::Grant(terms.clone()))?;
        person.say(Body::RemoveDocument { document_id: gone })?;
        Ok(Self { person, terms, left, gone, other })
    }

    /// The successor that may be given.
    fn next(&mut self) -> GrantTerms {
        GrantTerms {
            grant_id: GrantId(draw(&mut self.person.rng)),
            recipient: to(5, 3),
            scope: Scope::Documents { document_ids: self.left.clone() },
            face_hash: [10; 32],
            commitment: [11; 32],
            ..self.terms.clone()
        }
    }

    fn spoilt(&mut self, next: &GrantTerms) -> Vec<(&'static str, &'static str, GrantTerms)> {
        let with = |change: &dyn Fn(&mut GrantTerms)| {
            let mut other = next.clone();
            change(&mut other);
            other
        };
        let scope = |ids: &[DocumentId]| {
            let mut document_ids = ids.to_vec();
            document_ids.sort_unstable();
            with(&|it| it.scope = Scope::Documents { document_ids: document_ids.clone() })
        };
        let and = |id: DocumentId| [self.left.as_slice(), &[id]].concat();
        let owner = RecipientName::Owner { generation: 1 };
        vec![
            ("regrant-same-epoch", "the epoch is not over", with(&|it| it.recipient = to(5, 2))),
            ("regrant-older-epoch", "an epoch before", with(&|it| it.recipient = to(5, 1))),
            ("regrant-to-another", "another structure", with(&|it| it.recipient = to(8, 3))),
            ("regrant-to-oneself", "no structure", with(&|it| it.recipient = owner.clone())),
            ("regrant-longer", "a second more", with(&|it| it.ends_at += 1)),
            ("regrant-shorter", "a second less", with(&|it| it.ends_at -= 1)),
            ("regrant-of-the-gone", "a document that was removed", scope(&and(self.gone))),
            ("regrant-of-more", "a document that was not given", scope(&and(self.other))),
            ("regrant-of-less", "a document left out", scope(&self.left[..1])),
            ("regrant-of-none", "no document", scope(&[])),
            ("regrant-of-the-safe", "the whole safe", with(&|it| it.scope = Scope::Safe)),
        ]
    }

    fn refuse(
        &mut self,
        writer: &mut Writer,
        name: &str,
        rule: &'static str,
        about: &'static str,
        (grant_id, terms): (GrantId, GrantTerms),
    ) -> Result<()> {
        let body = Body::Regrant { grant_id, terms };
        self.refuse_body(writer, name, rule, about, &body)
    }

    fn refuse_body(
        &mut self,
        writer: &mut Writer,
        name: &str,
        rule: &'static str,
        about: &'static str,
        body: &Body,
    ) -> Result<()> {
        let signer = self.person.signer_of(body);
        let statement = self.person.next(signer, body.clone());
        let mut chain = self.person.chain.clone();
        chain.push(self.person.sign(&statement));
        let vector = Vector::new("chain", name, rule, about).expect("contradiction");
        writer.put(&vector.items(chain))
    }
}

fn to(structure: u8, epoch: u64) -> RecipientName {
    let structure_id = StructureId([structure; 32]);
    RecipientName::Structure { structure_id, epoch, key_id: [9; 32] }
}
