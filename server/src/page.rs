//! The page: static files that are part of the binary, and the headers of every answer.

use std::fmt::Write as _;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_format::api::Code;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::Error;

/// The built page. A debug build reads it from the disk.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist"]
struct Page;

/// What scripts and frames may do: nothing that is not our own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
    style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types app svelte-trusted-html";

/// The camera is ours; nothing else is anybody's.
const PERMISSIONS_POLICY: &str = "camera=(self), accelerometer=(), autoplay=(), bluetooth=(), \
    browsing-topics=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), \
    geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), \
    microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(), serial=(), \
    usb=(), xr-spatial-tracking=()";

const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Browsers read this one over TLS alone: on loopback it says nothing.
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
];

/// Sets the headers that every answer has.
pub(crate) fn harden(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What a browser drops when somebody leaves a shared computer: whatever this site could keep there.
/// Not its cache, which holds the program alone and may take long to look through.
const CLEAR: (HeaderName, &str) =
    (HeaderName::from_static("clear-site-data"), "\"cookies\", \"storage\"");

/// Leads to the first screen of the page that was left. Only that page itself clears anything on the
/// way: a link or a picture of another site must not empty somebody's own device.
fn leave(query: &str, asked: &HeaderMap) -> Response {
    let says = |what| query.split('&').any(|part| part == what);
    let first = match (says("structure"), says("kiosk")) {
        (false, false) => "/",
        (false, true) => "/?kiosk",
        (true, false) => "/structure.html",
        (true, true) => "/structure.html?kiosk",
    };
    let headers = [(header::LOCATION, first), (header::CACHE_CONTROL, "no-store")];
    let from_page = asked.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
        && asked.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    if from_page {
        response.headers_mut().insert(CLEAR.0, HeaderValue::from_static(CLEAR.1));
    }
    response
}

/// Answers with a file of the page, or leads from `/leave` to its start; 404 for everything else.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let name = match path {
        "/" => "index.html",
        "/structure" => "structure.html",
        _ => path.trim_start_matches('/'),
    };
    let is_api = path == "/v1" || path.starts_with("/v1/");
    // Compressed copies are forms of a file, not files.
    let is_copy = [".br", ".gz"].iter().any(|suffix| name.strip_suffix(suffix).is_some());
    if is_api || is_copy {
        return Error::Code(Code::NotFound).into_response();
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Error::Code(Code::MethodNotAllowed).into_response();
    }
    if path == "/leave" {
        return leave(request.uri().query().unwrap_or_default(), request.headers());
    }
    match find(name, request.headers()) {
        Some((file, encoding)) => answer(name, file, encoding, request.headers()),
        None => Error::Code(Code::NotFound).into_response(),
    }
}

/// The files of the page in every form that is served, ascending by name, each on a line of its own as
/// `sha256sum` writes it. LOG-18.
pub(crate) fn manifest() -> String {
    let mut names: Vec<_> = Page::iter().collect();
    names.sort_unstable();
    names.iter().fold(String::new(), |mut manifest, name| {
        if let Some(file) = Page::get(name) {
            for byte in file.metadata.sha256_hash() {
                let _ = write!(manifest, "{byte:02x}");
            }
            let _ = writeln!(manifest, "  {name}");
        }
        manifest
    })
}

/// The smallest form of a file that the browser understands.
fn find(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let plain = Page::get(name)?;
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepted.is_some_and(|accepted| accepts(accepted, encoding))
            && let Some(file) = Page::get(&format!("{name}{suffix}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Some((plain, None))
}

/// Whether `Accept-Encoding` names `encoding` with a weight above zero.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parameters = one.split(';').map(str::trim);
        let named = parameters.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let refused = parameters.any(|parameter| {
            parameter
                .strip_prefix("q=")
                .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        named && !refused
    })
}

fn answer(
    name: &str,
    file: EmbeddedFile,
    encoding: Option<&'static str>,
    asked: &HeaderMap,
) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()));
    let caching = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known =
        asked.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        axum::body::Body::from(file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
    if !known {
        let kind = mime_guess::from_path(name).first_or_octet_stream();
        let kind = match kind.type_() {
            mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
            _ => kind.to_string(),
        };
        headers.extend(HeaderValue::try_from(kind).ok().map(|kind| (header::CONTENT_TYPE, kind)));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    response
}

/// Whether the build put a hash of the content into the name.
fn is_hashed(name: &str) -> bool {
    name.starts_with("assets/")
        && name
            .rsplit('/')
            .next()
            .and_then(|file| file.split_once('.'))
            .and_then(|(stem, _)| stem.rsplit_once('-'))
            .is_some_and(|(_, hash)| hash.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_cached_for_good() {
        assert!(is_hashed("assets/index-B1xk29Zq.js"));
        assert!(is_hashed("assets/vault_bg-B1xk29Zq.wasm"));
        assert!(!is_hashed("index.html"));
        assert!(!is_hashed("assets/logo.svg"));
        assert!(!is_hashed("sw-12345678.js"));
    }

    #[test]
    fn leaving_leads_to_a_first_screen_of_this_page_and_to_nothing_else() {
        let leads = |query| leave(query, &HeaderMap::new()).headers()[header::LOCATION].clone();
        assert_eq!(leads(""), "/");
        assert_eq!(leads("kiosk"), "/?kiosk");
        assert_eq!(leads("structure&kiosk"), "/structure.html?kiosk");
        assert_eq!(leads("//elsewhere.example"), "/");
    }

    #[test]
    fn only_this_page_has_a_browser_forget_what_it_keeps() {
        let clears = |site, mode| {
            let mut asked = HeaderMap::new();
            asked.insert("sec-fetch-site", HeaderValue::from_static(site));
            asked.insert("sec-fetch-mode", HeaderValue::from_static(mode));
            leave("", &asked).headers().contains_key(CLEAR.0)
        };
        assert!(clears("same-origin", "navigate"));
        assert!(!clears("same-origin", "no-cors"));
        assert!(!clears("cross-site", "navigate"));
        assert!(!clears("none", "navigate"));
        assert!(!leave("", &HeaderMap::new()).headers().contains_key(CLEAR.0));
    }

    #[test]
    fn encodings_with_a_weight_of_zero_are_not_accepted() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("br;q=0.5", "br"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("brotli", "br"));
    }
}
