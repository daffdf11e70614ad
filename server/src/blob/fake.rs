//! An object store in memory, for tests: it counts what it is asked for, and answers too little where it is told to.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinSet};

use super::Bucket;
use crate::config::BlobsConfig;

/// The prefix of the bucket's names.
const PREFIX: &str = "here/";

/// What it holds, and how it behaves.
#[derive(Default)]
pub(crate) struct Held {
    /// By their names behind the prefix.
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// What it was asked for.
    pub(crate) asked: Vec<String>,
    /// So many of the next answers hold one byte of what was asked for.
    pub(crate) short: u32,
    /// What it says that the next object's version is.
    pub(crate) version: Option<&'static str>,
}

pub(crate) struct Fake {
    held: Arc<Mutex<Held>>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Fake {
    pub(crate) async fn begin() -> anyhow::Result<Self> {
        let held = Arc::<Mutex<Held>>::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&held));
        let mut serving = JoinSet::new();
        serving.spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { held, address, _serving: serving })
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bucket as a server opens it.
    pub(crate) fn bucket(&self) -> anyhow::Result<Bucket> {
        let config = BlobsConfig {
            s3_endpoint: Some(format!("http://{}", self.address)),
            s3_key_id: Some("id".to_owned()),
            s3_secret: "secret".parse().ok(),
            ..BlobsConfig::default()
        };
        Bucket::open(("bucket", PREFIX.trim_end_matches('/')), &config)
    }
}

async fn answer(State(held): State<Arc<Mutex<Held>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 16 << 20).await.unwrap_or_default();
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    let path = parts.uri.path().trim_start_matches("/bucket").trim_start_matches('/');
    let name = path.trim_start_matches(PREFIX).to_owned();
    held.asked.push(format!("{} {name}", parts.method));
    match parts.method {
        Method::PUT => {
            held.objects.insert(name, body.to_vec());
            let version = held.version.take();
            said(StatusCode::OK, version.map(|it| ("x-amz-version-id", it.to_owned())), Vec::new())
        }
        Method::POST => {
            let text = String::from_utf8_lossy(&body).into_owned();
            let mut xml = "<DeleteResult>".to_owned();
            for word in text.split("<Key>").skip(1).filter_map(|it| it.split("</Key>").next()) {
                held.objects.remove(word.trim_start_matches(PREFIX));
                xml.extend(["<Deleted><Key>", word, "</Key></Deleted>"]);
            }
            said(StatusCode::OK, None, (xml + "</DeleteResult>").into_bytes())
        }
        _ if path.is_empty() => said(StatusCode::OK, None, list(&held, parts.uri.query())),
        _ => {
            let range = parts.headers.get(header::RANGE).and_then(|it| it.to_str().ok());
            read(&mut held, (&name, range))
        }
    }
}

fn said(status: StatusCode, more: Option<(&'static str, String)>, body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(status).header(header::ETAG, "\"tag\"");
    response = response.header(header::LAST_MODIFIED, "Wed, 21 Oct 2015 07:28:00 GMT");
    if let Some((name, value)) = more {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}

/// An object, or the range of it.
fn read(held: &mut Held, (name, range): (&str, Option<&str>)) -> Response {
    let Some(object) = held.objects.get(name).cloned() else {
        return said(StatusCode::NOT_FOUND, None, Vec::new());
    };
    let asked = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'));
    let Some((Ok(first), Ok(last))) = asked.map(|(a, b)| (a.parse::<usize>(), b.parse::<usize>()))
    else {
        return said(StatusCode::OK, None, object);
    };
    let range = format!("bytes {first}-{last}/{}", object.len());
    let mut bytes = object.get(first..=last).unwrap_or_default().to_vec();
    if held.short > 0 {
        held.short -= 1;
        bytes.truncate(1);
    }
    said(StatusCode::PARTIAL_CONTENT, Some(("content-range", range)), bytes)
}

/// What is below a prefix, behind a name.
fn list(held: &Held, query: Option<&str>) -> Vec<u8> {
    let said = |what: &str| {
        let word = query?.split('&').find_map(|it| it.strip_prefix(what));
        word.map(|it| it.replace("%2F", "/"))
    };
    let (prefix, after) = (said("prefix=").unwrap_or_default(), said("start-after="));
    let mut xml = "<ListBucketResult>".to_owned();
    for (name, object) in &held.objects {
        let name = format!("{PREFIX}{name}");
        if name.starts_with(&prefix) && after.as_ref().is_none_or(|after| name > *after) {
            let (size, modified) = (object.len().to_string(), "2015-10-21T07:28:00.000Z");
            xml.extend(["<Contents><Key>", &name, "</Key><Size>", &size, "</Size>"]);
            xml.extend(["<LastModified>", modified, "</LastModified></Contents>"]);
        }
    }
    (xml + "</ListBucketResult>").into_bytes()
}
