//! The browser as a world: the page's worker ships calls and keeps sealed bytes.

use getrandom::SysRng;
use js_sys::{Object, Reflect, Uint8Array};
use rand_core::UnwrapErr;
use reconnect_core::{
    log::Release,
    world::{ShipError, World},
};
use reconnect_format::api::{Call, CallBody};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What the worker hands over: its one `fetch`, and its place on the device.
    pub type Outside;

    #[wasm_bindgen(method, catch)]
    async fn ship(
        this: &Outside,
        method: &str,
        path: &str,
        token: Option<String>,
        body: JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn mark(this: &Outside) -> u8;

    #[wasm_bindgen(method, catch)]
    async fn keep(this: &Outside, name: &str, bytes: Uint8Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn kept(this: &Outside, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn forget(this: &Outside, name: &str) -> Result<(), JsValue>;
}

/// Whom this build of the page believes about the log.
const RELEASE: &str = include_str!("../release.txt");

/// The browser.
pub(crate) struct Browser {
    outside: Outside,
    release: Release,
}

fn field(answer: &JsValue, name: &str) -> Result<JsValue, ShipError> {
    Reflect::get(answer, &name.into()).map_err(|_| ShipError::Unreadable)
}

impl Browser {
    pub(crate) fn new(outside: Outside) -> Self {
        // Invariant: a release that does not read is not built, see the test.
        let release = Release::read(RELEASE).expect("the release reads");
        Self { outside, release }
    }

    /// Ships a call with a body that the page holds already: bulk bytes stay out of the wasm memory.
    pub(crate) async fn ship_held(
        &self,
        call: &Call,
        token: Option<&str>,
        body: JsValue,
    ) -> Result<Vec<u8>, ShipError> {
        let token = token.filter(|_| call.authorized).map(str::to_owned);
        // The worker throws only when no answer came.
        let answer = self
            .outside
            .ship(call.method, &call.path, token, body)
            .await
            .map_err(|_| ShipError::Offline)?;
        let status = field(&answer, "status")?.as_f64().ok_or(ShipError::Unreadable)?;
        let body = Uint8Array::new(&field(&answer, "body")?).to_vec();
        if (200.0..300.0).contains(&status) {
            return Ok(body);
        }
        serde_json::from_slice(&body)
            .map_or(Err(ShipError::Unreadable), |it| Err(ShipError::Problem(it)))
    }
}

impl World for Browser {
    type Rng = UnwrapErr<SysRng>;

    fn rng(&self) -> Self::Rng {
        UnwrapErr(SysRng)
    }

    fn release(&self) -> &Release {
        &self.release
    }

    fn now(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds since 1970 are a small positive number"
        )]
        let seconds = (js_sys::Date::now() / 1000.0) as u64;
        seconds
    }

    fn mark(&self) -> u8 {
        self.outside.mark()
    }

    async fn ship(&self, mut call: Call, token: Option<&str>) -> Result<Vec<u8>, ShipError> {
        let body = match std::mem::replace(&mut call.body, CallBody::Empty) {
            CallBody::Empty => JsValue::UNDEFINED,
            CallBody::Json(text) => text.into(),
            CallBody::Bytes(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        };
        self.ship_held(&call, token, body).await
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), ShipError> {
        self.outside.keep(name, Uint8Array::from(bytes)).await.map_err(|_| ShipError::Unreadable)
    }

    async fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let kept = self.outside.kept(name).await.ok()?;
        kept.is_instance_of::<Uint8Array>().then(|| Uint8Array::new(&kept).to_vec())
    }

    async fn forget(&self, name: &str) {
        // What cannot be forgotten was not there, or the device refuses all storage.
        let _ = self.outside.forget(name).await;
    }
}

/// Sets fields of a fresh object.
pub(crate) fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of a fresh plain object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_reads() {
        assert!(Release::read(RELEASE).is_ok());
    }
}
