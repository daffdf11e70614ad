//! The table of routes: every one, and who may take it.

/// Who may take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principals {
    /// Anyone, without a session.
    Anyone,
    /// Any caller, for what is the caller's own.
    Caller,
    /// The owner of the safe that the path names a thing of.
    Owner,
    /// A confirmed member of any structure that the operator accepted.
    Worker,
    /// A confirmed member of the structure that the path names.
    Member,
    /// The manager of the structure that the path names.
    Manager,
    /// A confirmed member of the structure that the path's grant was given to.
    Grantee,
    /// A guardian whom the path's lock or return names.
    Guardian,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path with `{names}`.
    pub path: &'static str,
    /// Who may take it.
    pub principals: Principals,
}

const fn route(method: &'static str, path: &'static str, principals: Principals) -> Route {
    Route { method, path, principals }
}

/// Every route of the API.
pub const ROUTES: &[Route] = &[
    route("GET", "/livez", Principals::Anyone),
    route("GET", "/readyz", Principals::Anyone),
    route("GET", "/v1/openapi.json", Principals::Anyone),
    route("GET", "/v1/service", Principals::Anyone),
    route("POST", "/v1/words/registration", Principals::Anyone),
    route("POST", "/v1/pin/registration", Principals::Anyone),
    route("POST", "/v1/accounts", Principals::Anyone),
    route("POST", "/v1/unlock/words", Principals::Anyone),
    route("POST", "/v1/unlock/pin", Principals::Anyone),
    route("POST", "/v1/unlock/finish", Principals::Anyone),
    route("POST", "/v1/unlock/held", Principals::Anyone),
    route("POST", "/v1/unlock/rest", Principals::Anyone),
    route("POST", "/v1/links", Principals::Anyone),
    route("GET", "/v1/links/{link_id}", Principals::Caller),
    route("POST", "/v1/links/{link_id}", Principals::Caller),
    route("POST", "/v1/sessions", Principals::Anyone),
    route("DELETE", "/v1/sessions/this", Principals::Caller),
    route("DELETE", "/v1/sessions", Principals::Caller),
    route("GET", "/v1/sessions", Principals::Caller),
    route("GET", "/v1/locks", Principals::Caller),
    route("GET", "/v1/sync", Principals::Caller),
    route("POST", "/v1/statements", Principals::Caller),
    route("POST", "/v1/generations", Principals::Caller),
    route("GET", "/v1/guardians", Principals::Caller),
    route("GET", "/v1/guarding", Principals::Caller),
    route("GET", "/v1/structures/{structure_id}/guarding", Principals::Member),
    route("POST", "/v1/guarding/{lock_id}/{number}/resign", Principals::Guardian),
    route("POST", "/v1/returns", Principals::Caller),
    route("POST", "/v1/returns/look", Principals::Anyone),
    route("POST", "/v1/returns/{return_id}/open", Principals::Anyone),
    route("POST", "/v1/returns/{return_id}/generation", Principals::Anyone),
    route("POST", "/v1/returns/{return_id}/cancel", Principals::Guardian),
    route("POST", "/v1/returns/{return_id}/share", Principals::Guardian),
    route("POST", "/v1/returns/{return_id}/vouches", Principals::Guardian),
    route("PUT", "/v1/envelopes/{envelope_id}", Principals::Owner),
    route("GET", "/v1/envelopes/{envelope_id}", Principals::Owner),
    route("DELETE", "/v1/envelopes/{envelope_id}", Principals::Owner),
    route("PUT", "/v1/envelopes/{envelope_id}/parts/{index}", Principals::Owner),
    route("GET", "/v1/documents/{document_id}/content", Principals::Owner),
    route("GET", "/v1/documents/{document_id}/thumbnail", Principals::Owner),
    route("GET", "/v1/owners/{account_id}", Principals::Caller),
    route("POST", "/v1/deposits", Principals::Worker),
    route("GET", "/v1/deposits", Principals::Caller),
    route("GET", "/v1/deposits/sent", Principals::Caller),
    route("GET", "/v1/deposits/{deposit_id}/content", Principals::Owner),
    route("GET", "/v1/log/checkpoint", Principals::Anyone),
    route("GET", "/v1/log/tile/{*tile}", Principals::Anyone),
    route("GET", "/v1/log/heads/{leaf}", Principals::Anyone),
    route("GET", "/v1/log/lookup", Principals::Anyone),
    route("GET", "/v1/log/said/{name}", Principals::Anyone),
    route("POST", "/v1/log/cosignatures", Principals::Anyone),
    route("GET", "/v1/structures", Principals::Anyone),
    route("POST", "/v1/structures", Principals::Caller),
    route("GET", "/v1/structures/{structure_id}", Principals::Anyone),
    route("GET", "/v1/memberships", Principals::Caller),
    route("GET", "/v1/structures/{structure_id}/inside", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/leaves", Principals::Member),
    route("GET", "/v1/structures/{structure_id}/recovery", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/groups", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/commits", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/rewraps", Principals::Member),
    route("GET", "/v1/structures/{structure_id}/rewraps", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/rewraps/open", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/rewraps/checks", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/statements", Principals::Member),
    route("POST", "/v1/structures/{structure_id}/motions", Principals::Manager),
    route("POST", "/v1/structures/{structure_id}/certificates", Principals::Manager),
    route("POST", "/v1/structures/{structure_id}/invitations", Principals::Manager),
    route("GET", "/v1/structures/{structure_id}/invitations", Principals::Manager),
    route("POST", "/v1/invitations/{invitation_id}/join", Principals::Caller),
    route("GET", "/v1/received", Principals::Caller),
    route("POST", "/v1/received/faces", Principals::Caller),
    route("POST", "/v1/received/{grant_id}/fresh", Principals::Grantee),
    route("POST", "/v1/received/{grant_id}/list", Principals::Grantee),
    route("POST", "/v1/received/{grant_id}/documents/{document_id}/open", Principals::Grantee),
    route("GET", "/v1/received/{grant_id}/documents/{document_id}/content", Principals::Grantee),
    route("GET", "/v1/received/{grant_id}/documents/{document_id}/thumbnail", Principals::Grantee),
];
