//! Who gets what: a route, what its path names, and the status for each principal.
//!
//! One number stands for everybody, with or without a session. Seven stand for owner, another owner,
//! a worker of the structure that the owner gives to, its manager, somebody invited to it who was
//! not admitted yet, the manager of another structure, and somebody who lost their place in the first
//! and whose session lives; all without a live session get 401, or what an eighth number says.
//! Rows that begin with `last` change something when they succeed, and are played at the end.

use anyhow::{Context as _, Result, ensure};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// HTTP method.
    pub(crate) method: &'static str,
    /// As the server's table writes it.
    pub(crate) path: &'static str,
    /// What it names.
    pub(crate) object: &'static str,
    /// For each principal with a live session.
    pub(crate) statuses: [u16; 7],
    /// For everybody, when no session is needed.
    pub(crate) open: Option<u16>,
    /// Whether it is played at the end.
    pub(crate) last: bool,
}

impl Row {
    pub(crate) fn name(&self) -> String {
        format!("{} {} ({})", self.method, self.path, self.object)
    }
}

pub(crate) fn rows() -> Result<Vec<Row>> {
    TABLE.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

fn row(line: &'static str) -> Result<Row> {
    let mut words = line.split_whitespace().peekable();
    let last = words.next_if_eq(&"last").is_some();
    let method = words.next().context("a method")?;
    let path = words.next().context("a path")?;
    let object = words.next().context("an object")?;
    let statuses: Vec<u16> = words.map(str::parse).collect::<Result<_, _>>().context(line)?;
    let (statuses, open) = match statuses.as_slice() {
        [one] => ([*one; 7], Some(*one)),
        [several @ .., nobody] if several.len() == 7 => {
            (<[u16; 7]>::try_from(several).context(line)?, Some(*nobody))
        }
        several => (<[u16; 7]>::try_from(several).context(line)?, None),
    };
    ensure!(path.starts_with('/'), "{line}");
    Ok(Row { method, path, object, statuses, open, last })
}

const TABLE: &str = "
GET         /livez                                                     -          200
GET         /readyz                                                    -          200
GET         /v1/openapi.json                                           -          200
GET         /v1/service                                                -          200
POST        /v1/words/registration                                     -          200
POST        /v1/pin/registration                                       fresh      200
POST        /v1/pin/registration                                       taken      409
POST        /v1/accounts                                               again      201
POST        /v1/accounts                                               closed     409
POST        /v1/unlock/words                                           -          200
POST        /v1/unlock/pin                                             again      401
POST        /v1/unlock/finish                                          never      410
POST        /v1/unlock/held                                            again      401
POST        /v1/unlock/rest                                            never      404
POST        /v1/sessions                                               again      201
POST        /v1/returns/look                                           -          200
POST        /v1/returns/{return_id}/open                               open       404
POST        /v1/returns/{return_id}/open                               never      404
POST        /v1/returns/{return_id}/open                               malformed  404
POST        /v1/returns/{return_id}/generation                         open       404
POST        /v1/returns/{return_id}/generation                         never      404
POST        /v1/returns/{return_id}/generation                         malformed  404
POST        /v1/links                                                  open       200
POST        /v1/links                                                  malformed  400
GET         /v1/structures                                             -          200
GET         /v1/log/checkpoint                                         -          200
GET         /v1/log/tile/{*tile}                                       entries    200
GET         /v1/log/tile/{*tile}                                       hashes     200
GET         /v1/log/tile/{*tile}                                       past-end   404
GET         /v1/log/tile/{*tile}                                       malformed  404
GET         /v1/log/heads/{leaf}                                       newest     200
GET         /v1/log/heads/{leaf}                                       past-end   404
GET         /v1/log/heads/{leaf}                                       malformed  404
GET         /v1/log/lookup                                             anything   200
GET         /v1/log/lookup                                             -          400
GET         /v1/log/said/{name}                                        release    200
GET         /v1/log/said/{name}                                        policy     200
GET         /v1/log/said/{name}                                        anything   404
POST        /v1/log/cosignatures                                       nobodys    422
POST        /v1/log/cosignatures                                       malformed  400

GET         /v1/links/{link_id}                                        open       200 200 200 200 200 200 200
GET         /v1/links/{link_id}                                        never      404 404 404 404 404 404 404
GET         /v1/links/{link_id}                                        malformed  404 404 404 404 404 404 404
GET         /v1/links/{link_id}                                        over       404 404 404 404 404 404 404
POST        /v1/links/{link_id}                                        over       404 404 404 404 404 404 404
POST        /v1/links/{link_id}                                        open       204 409 409 409 409 409 409
POST        /v1/links/{link_id}                                        never      404 404 404 404 404 404 404
POST        /v1/links/{link_id}                                        malformed  404 404 404 404 404 404 404
GET         /v1/sync                                                   -          200 200 200 200 200 200 200
GET         /v1/locks                                                  -          200 200 200 200 200 200 200
GET         /v1/sessions                                               -          200 200 200 200 200 200 200
GET         /v1/memberships                                            -          200 200 200 200 200 200 200
GET         /v1/received                                               -          200 200 200 200 200 200 200
POST        /v1/received/faces                                         -          200 200 200 200 200 200 200
POST        /v1/statements                                             again      200 422 422 422 422 422 422
POST        /v1/structures                                             again      422 201 422 422 422 422 422
POST        /v1/generations                                            others     422 422 422 422 422 422 422

PUT         /v1/envelopes/{envelope_id}                                under-way  409 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                finished   409 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                others     404 409 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                malformed  404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                given      409 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                given-up   404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                removed    404 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                under-way  200 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                finished   200 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                card       404 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                given-up   404 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                others     404 200 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                never      404 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                malformed  404 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                given      200 404 404 404 404 404 404
GET         /v1/envelopes/{envelope_id}                                removed    404 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                finished   409 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                card       404 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                given-up   404 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                never      404 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                malformed  404 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                given      409 404 404 404 404 404 404
DELETE      /v1/envelopes/{envelope_id}                                removed    404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  under-way  204 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  finished   400 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  past-end   404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  card       404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  given-up   404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  never      404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  malformed  404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  others     404 409 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  given      400 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  removed    404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}/parts/{index}                  bad-index  404 404 404 404 404 404 404

GET         /v1/documents/{document_id}/content                        given      200 404 404 404 404 404 404
GET         /v1/documents/{document_id}/content                        kept       200 404 404 404 404 404 404
GET         /v1/documents/{document_id}/content                        removed    404 404 404 404 404 404 404
GET         /v1/documents/{document_id}/content                        others     404 200 404 404 404 404 404
GET         /v1/documents/{document_id}/content                        never      404 404 404 404 404 404 404
GET         /v1/documents/{document_id}/content                        malformed  404 404 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      given      200 404 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      kept       200 404 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      removed    404 404 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      others     404 200 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      never      404 404 404 404 404 404 404
GET         /v1/documents/{document_id}/thumbnail                      malformed  404 404 404 404 404 404 404

GET         /v1/guardians                                              -          200 404 404 404 404 404 404
GET         /v1/guarding                                               -          200 200 200 200 200 200 200
GET         /v1/structures/{structure_id}/guarding                     accepted   404 404 200 200 404 404 404
GET         /v1/structures/{structure_id}/guarding                     another    404 404 404 404 404 200 404
GET         /v1/structures/{structure_id}/guarding                     never      404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/guarding                     waiting    404 200 404 404 404 404 404
GET         /v1/structures/{structure_id}/guarding                     malformed  404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/guarding                     closed     404 404 404 404 404 404 404
POST        /v1/returns                                                -          404 404 201 422 404 404 404
POST        /v1/returns/{return_id}/share                              open       404 404 200 200 404 404 404
POST        /v1/returns/{return_id}/share                              never      404 404 404 404 404 404 404
POST        /v1/returns/{return_id}/share                              malformed  404 404 404 404 404 404 404
POST        /v1/returns/{return_id}/vouches                            open       404 404 204 422 404 404 404
POST        /v1/returns/{return_id}/vouches                            never      422 422 422 422 422 422 422
POST        /v1/returns/{return_id}/vouches                            malformed  404 404 404 404 404 404 404
POST        /v1/returns/{return_id}/cancel                             never      404 404 404 404 404 404 404
POST        /v1/returns/{return_id}/cancel                             malformed  404 404 404 404 404 404 404
POST        /v1/guarding/{lock_id}/{number}/resign                     never      404 404 404 404 404 404 404
POST        /v1/guarding/{lock_id}/{number}/resign                     malformed  404 404 404 404 404 404 404
GET         /v1/owners/{account_id}                                    owner      200 200 200 200 200 200 200
GET         /v1/owners/{account_id}                                    never      404 404 404 404 404 404 404
GET         /v1/owners/{account_id}                                    malformed  404 404 404 404 404 404 404
GET         /v1/owners/{account_id}                                    others     200 200 200 200 200 200 200
GET         /v1/owners/{account_id}                                    closed     404 404 404 404 404 404 404
POST        /v1/deposits                                               again      404 404 204 422 404 422 404
GET         /v1/deposits                                               -          200 200 200 200 200 200 200
GET         /v1/deposits/sent                                          -          200 200 200 200 200 200 200
GET         /v1/deposits/{deposit_id}/content                          waits      200 404 404 404 404 404 404
GET         /v1/deposits/{deposit_id}/content                          taken      404 404 404 404 404 404 404
GET         /v1/deposits/{deposit_id}/content                          refused    404 404 404 404 404 404 404
GET         /v1/deposits/{deposit_id}/content                          others     404 200 404 404 404 404 404
GET         /v1/deposits/{deposit_id}/content                          never      404 404 404 404 404 404 404
GET         /v1/deposits/{deposit_id}/content                          malformed  404 404 404 404 404 404 404
PUT         /v1/envelopes/{envelope_id}                                for-owner  404 404 409 404 404 404 404

GET         /v1/structures/{structure_id}                              accepted   200
GET         /v1/structures/{structure_id}                              another    200
GET         /v1/structures/{structure_id}                              waiting    404 200 404 404 404 404 404 404
GET         /v1/structures/{structure_id}                              never      404
GET         /v1/structures/{structure_id}                              malformed  404
GET         /v1/structures/{structure_id}                              closed     200
GET         /v1/structures/{structure_id}/inside                       accepted   404 404 200 200 404 404 404
GET         /v1/structures/{structure_id}/inside                       another    404 404 404 404 404 200 404
GET         /v1/structures/{structure_id}/inside                       waiting    404 200 404 404 404 404 404
GET         /v1/structures/{structure_id}/inside                       never      404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/inside                       malformed  404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/inside                       closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/commits                      accepted   404 404 204 204 404 404 404
POST        /v1/structures/{structure_id}/commits                      another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/commits                      waiting    404 422 404 404 404 404 404
POST        /v1/structures/{structure_id}/commits                      never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/commits                      malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/commits                      closed     404 404 404 404 404 404 404
last POST   /v1/structures/{structure_id}/leaves                       accepted   404 404 204 422 404 404 404
POST        /v1/structures/{structure_id}/leaves                       another    404 404 404 404 404 422 404
last POST   /v1/structures/{structure_id}/leaves                       waiting    404 204 404 404 404 404 404
POST        /v1/structures/{structure_id}/leaves                       never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/leaves                       malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/leaves                       closed     404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/recovery                     accepted   404 404 200 200 404 404 404
GET         /v1/structures/{structure_id}/recovery                     another    404 404 404 404 404 200 404
GET         /v1/structures/{structure_id}/recovery                     waiting    404 200 404 404 404 404 404
GET         /v1/structures/{structure_id}/recovery                     never      404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/recovery                     malformed  404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/recovery                     closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/groups                       accepted   404 404 409 409 404 404 404
POST        /v1/structures/{structure_id}/groups                       another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/groups                       waiting    404 204 404 404 404 404 404
POST        /v1/structures/{structure_id}/groups                       never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/groups                       malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/groups                       closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/statements                   accepted   404 404 409 409 404 404 404
POST        /v1/structures/{structure_id}/statements                   another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/statements                   waiting    404 422 404 404 404 404 404
POST        /v1/structures/{structure_id}/statements                   never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/statements                   malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/statements                   closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/motions                      accepted   404 404 404 204 404 404 404
POST        /v1/structures/{structure_id}/motions                      another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/motions                      waiting    404 422 404 404 404 404 404
POST        /v1/structures/{structure_id}/motions                      never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/motions                      malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/motions                      closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/certificates                 accepted   404 404 404 422 404 404 404
POST        /v1/structures/{structure_id}/certificates                 another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/certificates                 waiting    404 422 404 404 404 404 404
POST        /v1/structures/{structure_id}/certificates                 never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/certificates                 malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/certificates                 closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/invitations                  accepted   404 404 404 201 404 404 404
POST        /v1/structures/{structure_id}/invitations                  another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/invitations                  waiting    404 422 404 404 404 404 404
POST        /v1/structures/{structure_id}/invitations                  never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/invitations                  malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/invitations                  closed     404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/invitations                  accepted   404 404 404 200 404 404 404
GET         /v1/structures/{structure_id}/invitations                  another    404 404 404 404 404 200 404
GET         /v1/structures/{structure_id}/invitations                  waiting    404 200 404 404 404 404 404
GET         /v1/structures/{structure_id}/invitations                  never      404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/invitations                  malformed  404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/invitations                  closed     404 404 404 404 404 404 404

GET         /v1/structures/{structure_id}/rewraps                      accepted   404 404 200 200 404 404 404
GET         /v1/structures/{structure_id}/rewraps                      another    404 404 404 404 404 200 404
GET         /v1/structures/{structure_id}/rewraps                      waiting    404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/rewraps                      never      404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/rewraps                      malformed  404 404 404 404 404 404 404
GET         /v1/structures/{structure_id}/rewraps                      closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps                      accepted   404 404 204 422 404 404 404
POST        /v1/structures/{structure_id}/rewraps                      another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/rewraps                      waiting    404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps                      never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps                      malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps                      closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/open                 accepted   404 404 200 200 404 404 404
POST        /v1/structures/{structure_id}/rewraps/open                 another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/rewraps/open                 waiting    404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/open                 never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/open                 malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/open                 closed     404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/checks               accepted   404 404 422 204 404 404 404
POST        /v1/structures/{structure_id}/rewraps/checks               another    404 404 404 404 404 422 404
POST        /v1/structures/{structure_id}/rewraps/checks               waiting    404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/checks               never      404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/checks               malformed  404 404 404 404 404 404 404
POST        /v1/structures/{structure_id}/rewraps/checks               closed     404 404 404 404 404 404 404

POST        /v1/invitations/{invitation_id}/join                       open       422 422 422 422 422 422 422
POST        /v1/invitations/{invitation_id}/join                       answered   204 204 204 204 204 204 204
POST        /v1/invitations/{invitation_id}/join                       ended      410 410 410 410 410 410 410
POST        /v1/invitations/{invitation_id}/join                       never      404 404 404 404 404 404 404
POST        /v1/invitations/{invitation_id}/join                       malformed  404 404 404 404 404 404 404
POST        /v1/invitations/{invitation_id}/join                       used       409 409 409 409 409 409 409

POST        /v1/received/{grant_id}/fresh                              live       404 404 200 200 404 404 404
POST        /v1/received/{grant_id}/fresh                              taken-back 404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/fresh                              over       404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/fresh                              others     404 404 404 404 404 200 404
POST        /v1/received/{grant_id}/fresh                              own        404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/fresh                              never      404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/fresh                              malformed  404 404 404 404 404 404 404

POST        /v1/received/{grant_id}/list                               live       404 404 200 200 404 404 404
POST        /v1/received/{grant_id}/list                               taken-back 404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/list                               over       404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/list                               others     404 404 404 404 404 422 404
POST        /v1/received/{grant_id}/list                               own        404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/list                               never      404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/list                               malformed  404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       live       404 404 200 200 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       uncovered  404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       removed    404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       taken-back 404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       over       404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       others     404 404 404 404 404 422 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       own        404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       never      404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       malformed  404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       no-paper   404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       bad-paper  404 404 404 404 404 404 404
POST        /v1/received/{grant_id}/documents/{document_id}/open       bad-grant  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    live       404 404 200 200 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    uncovered  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    removed    404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    taken-back 404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    over       404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    others     404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    own        404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    never      404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    malformed  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    no-paper   404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    bad-paper  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/content    bad-grant  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  live       404 404 200 200 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  uncovered  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  removed    404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  taken-back 404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  over       404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  others     404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  own        404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  never      404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  malformed  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  no-paper   404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  bad-paper  404 404 404 404 404 404 404
GET         /v1/received/{grant_id}/documents/{document_id}/thumbnail  bad-grant  404 404 404 404 404 404 404

last POST   /v1/returns/{return_id}/cancel                             open       404 404 204 204 404 404 404
last POST   /v1/returns/{return_id}/open                               cancelled  410
last POST   /v1/returns/{return_id}/generation                         cancelled  410
last POST   /v1/returns/{return_id}/share                              cancelled  404 404 410 410 404 404 404
last POST   /v1/returns/{return_id}/vouches                            cancelled  410 410 410 410 410 410 410
last POST   /v1/returns/{return_id}/cancel                             cancelled  404 404 204 204 404 404 404
last POST   /v1/guarding/{lock_id}/{number}/resign                     friend     404 204 404 404 404 404 404
last POST   /v1/guarding/{lock_id}/{number}/resign                     structure  404 404 404 204 404 404 404
last POST   /v1/guarding/{lock_id}/{number}/resign                     resigned   404 404 404 404 404 404 404
last DELETE /v1/envelopes/{envelope_id}                                under-way  204 404 404 404 404 404 404
last DELETE /v1/envelopes/{envelope_id}                                others     404 204 404 404 404 404 404
last PUT    /v1/envelopes/{envelope_id}                                fresh      204 204 204 204 204 204 204
last DELETE /v1/sessions/this                                          -          204 204 204 204 204 204 204
last DELETE /v1/sessions                                               -          204 204 204 204 204 204 204
";
