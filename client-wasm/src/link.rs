//! Linking a computer: its own side, which waits, and that of whoever lets it in.

use reconnect_core::{error::Error, link::LinkCode, vault::Linking};
use wasm_bindgen::prelude::*;

use crate::{Client, shown, thrown, ways::paper};

#[wasm_bindgen]
impl Client {
    /// One call for all steps: each that the page can wait for weighs two kilobytes. A computer that asks to be let in
    /// draws a square, looks for the picture, and enters; who lets it in finds it by its code, then lets it in.
    pub async fn link(&self, step: String, given: String) -> Result<String, JsValue> {
        match step.as_str() {
            "draw" => {
                let linking = Linking::draw(&self.world, given == "own").await;
                let view = shown(&paper(linking.groups(), linking.square()));
                self.linking.replace(Some(linking));
                Ok(view)
            }
            "find" | "let_in" => {
                let code = LinkCode::parse(&given).map_err(|it| thrown(&it))?;
                self.with(async |vault, world| {
                    let number = match step.as_str() {
                        "find" => vault.find_link(world, &code).await? as u8,
                        _ => Box::pin(vault.link(world, &code)).await?,
                    };
                    Ok(shown(&number))
                })
                .await
            }
            _ => self.wait(&step).await.map_err(|it| thrown(&it)),
        }
    }
}

impl Client {
    /// The computer's side. One that was put away while this waited stays away.
    async fn wait(&self, step: &str) -> Result<String, Error> {
        let mut linking = self.linking.take().ok_or(Error::NotFound)?;
        let outcome = match step {
            "look" => linking.look(&self.world).await.map(|picture| shown(&picture)),
            "enter" => match Box::pin(linking.enter(&self.world)).await {
                Ok(vault) => return Ok(self.enter(vault)),
                Err(error) => Err(error),
            },
            // Put away, with its keys.
            _ => return Ok(String::new()),
        };
        self.linking.replace(Some(linking));
        outcome
    }
}
