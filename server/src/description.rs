//! What the service says of itself at `/v1/openapi.json`: as the handlers declare it, and what is so of all of
//! them.

use std::collections::BTreeSet;

use reconnect_format::{
    api::Problem,
    id::{
        AccountId, DepositId, DocumentId, EnvelopeId, GrantId, InvitationId, LinkId, LockId,
        ReturnId, StructureId,
    },
};
use serde_json::Value;
use utoipa::{
    PartialSchema as _,
    openapi::{
        ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder, Schema,
        path::{Operation, Parameter, ParameterIn},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::routes::{Principals, ROUTES, Route};

/// With which anything may be refused that writes: it stands against something, is over, too large, does not verify,
/// comes too often, or finds no room.
const OF_WRITING: [u16; 6] = [409, 410, 413, 422, 429, 507];
/// With which anything may: a fault, and a server that is stopping or has too much to do.
const OF_ALL: [u16; 2] = [500, 503];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "RECONNECT",
        description = "A safe whose server stores only ciphertext and envelopes. Sealed and signed \
                       bytes travel as base64url; their layouts are in PROTOCOL.md."
    ),
    components(schemas(Problem))
)]
pub(crate) struct Description;

/// All of it, as it is answered.
pub(crate) fn answer(mut description: OpenApi) -> String {
    complete(&mut description);
    let mut said = serde_json::to_value(&description).unwrap_or_default();
    bound(&mut said);
    said.to_string()
}

/// Says of each number how large it may be, and its form as others name it.
fn bound(said: &mut Value) {
    match said {
        Value::Object(fields) => {
            let form = fields.get("format").and_then(Value::as_str).unwrap_or_default();
            let bounded = match form {
                "u-int8" => Some(("uint8", u64::from(u8::MAX))),
                "u-int16" => Some(("uint16", u64::from(u16::MAX))),
                "u-int32" => Some(("uint32", u64::from(u32::MAX))),
                "u-int64" => Some(("uint64", u64::MAX)),
                _ => None,
            };
            if let Some((form, most)) = bounded {
                fields.insert("format".to_owned(), form.into());
                fields.insert("maximum".to_owned(), most.into());
            }
            fields.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

/// Says of each route who may take it, what its path names, and how it refuses.
fn complete(description: &mut OpenApi) {
    let session = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    if let Some(components) = &mut description.components {
        components.add_security_scheme("session", session);
    }
    for route in ROUTES {
        let Some(item) = description.paths.paths.get_mut(route.path) else { continue };
        if let Some(operation) = operation(item, route.method) {
            complete_one(operation, route);
        }
    }
    // That a name goes on over slashes is no part of it.
    let paths = std::mem::take(&mut description.paths.paths);
    let renamed = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item));
    description.paths.paths = renamed.collect();
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "PUT" => item.put.as_mut(),
        "POST" => item.post.as_mut(),
        _ => item.delete.as_mut(),
    }
}

fn complete_one(operation: &mut Operation, route: &Route) {
    if route.principals != Principals::Anyone {
        let none: [&str; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new("session", none)]);
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = named(&parameter.name)
        {
            parameter.schema = Some(schema);
        }
    }
    let refusals = refusals(operation, route);
    let responses = &mut operation.responses.responses;
    responses.remove("default");
    for status in refusals {
        responses.entry(status.to_string()).or_insert_with(refusal);
    }
}

/// How a route may refuse.
fn refusals(operation: &Operation, route: &Route) -> BTreeSet<u16> {
    let writes = route.method != "GET";
    let mut refusals = BTreeSet::from(OF_ALL);
    if writes {
        refusals.extend(OF_WRITING);
    }
    // Open routes that write take words, PINs, and what is held: the wrong ones look like a session that has ended.
    if writes || route.principals != Principals::Anyone {
        refusals.insert(401);
    }
    let is_asked =
        |it: &RefOr<Parameter>| matches!(it, RefOr::T(it) if it.parameter_in == ParameterIn::Query);
    let asks = operation.parameters.iter().flatten().any(is_asked);
    if asks || operation.request_body.is_some() {
        refusals.insert(400);
    }
    // What is named by a path, or in a body, may not be there.
    if writes || route.principals != Principals::Anyone || route.path.contains('{') {
        refusals.insert(404);
    }
    refusals
}

fn refusal() -> RefOr<Response> {
    let problem = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(problem)).build();
    let response = ResponseBuilder::new().description("A refusal");
    RefOr::T(response.content("application/problem+json", content).build())
}

/// The form of what a path names.
fn named(name: &str) -> Option<RefOr<Schema>> {
    Some(match name {
        "account_id" => AccountId::schema(),
        "deposit_id" => DepositId::schema(),
        "document_id" => DocumentId::schema(),
        "envelope_id" => EnvelopeId::schema(),
        "grant_id" => GrantId::schema(),
        "invitation_id" => InvitationId::schema(),
        "link_id" => LinkId::schema(),
        "lock_id" => LockId::schema(),
        "return_id" => ReturnId::schema(),
        "structure_id" => StructureId::schema(),
        _ => return None,
    })
}
