//! Wrong words, unknown handles, too many tries, and what is no request at all.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    words::{PaperSecret, SixWords, draw_handle},
    world::World as _,
};
use reconnect_format::api::{Call, CallBody, Code, PakeFinish};
use reconnect_tests::{
    browser::{Browser, Exchange},
    stage::{Server, unlock_with_paper, unlock_with_words},
};

super::on_both_databases! {
    wrong_words_and_an_unknown_handle_look_alike,
    a_wrong_finish_is_refused_with_equal_bytes,
    ten_wrong_tries_then_a_wait_for_known_and_unknown_handles_alike,
    a_good_try_is_given_back,
    a_sheet_that_opens_nothing_says_so,
    what_is_no_request_is_refused_and_changes_nothing,
}

/// Tries that cost no waiting.
const FREE: usize = 10;

/// I-14: wrong words and an unknown handle look alike.
async fn wrong_words_and_an_unknown_handle_look_alike(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let browser = server.browser();
    let mut rng = browser.rng();
    let wrong = SixWords::generate(&mut rng);
    let mut shapes = Vec::new();
    for handle in [owner.handle.clone(), draw_handle(&mut rng)] {
        let from = server.recording().borrow().len();
        let refused = unlock_with_words(&browser, &handle, &wrong, false).await.err();
        ensure!(refused == Some(Error::WrongWordsOrHandle), "{refused:?}");
        let recording = server.recording().borrow();
        shapes.push(recording[from..].iter().map(shape).collect::<Vec<_>>());
    }
    ensure!(shapes[0] == shapes[1], "{shapes:#?}");
    Ok(())
}

/// Everything of an exchange that is not random.
fn shape(exchange: &Exchange) -> (String, u16, Vec<(String, String)>, usize) {
    let headers = exchange.answer.headers.iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    headers.sort();
    (exchange.head.clone(), exchange.answer.status, headers, exchange.answer.body.len())
}

async fn a_wrong_finish_is_refused_with_equal_bytes(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let browser = server.browser();
    let mut rng = browser.rng();
    let wrong = SixWords::generate(&mut rng);
    let mut answers = Vec::new();
    for handle in [owner.handle.clone(), draw_handle(&mut rng)] {
        let from = server.recording().borrow().len();
        unlock_with_words(&browser, &handle, &wrong, false).await.err();
        let answer: reconnect_format::api::PakeAnswer =
            serde_json::from_slice(&server.recording().borrow()[from].answer.body)?;
        let finalization = reconnect_format::id::Base64(vec![7; 64]);
        let finish = PakeFinish { unlock_id: answer.unlock_id, finalization };
        let call = Call::send("/v1/unlock/finish", &finish).open();
        answers.push(browser.send(&call, None).await?);
        // The same unlocking again is over, of whomever it was.
        answers.push(browser.send(&call, None).await?);
    }
    for (at, answer) in answers.iter().enumerate() {
        let (first, code) = match at % 2 {
            0 => (&answers[0], Code::WrongWordsOrHandle),
            _ => (&answers[1], Code::UnlockOver),
        };
        ensure!(answer.code() == Some(code), "{:?}", answer.code());
        ensure!(answer.status == first.status);
        ensure!(answer.body == first.body && answer.headers == first.headers);
    }
    Ok(())
}

/// I-14, I-16: so does the wait after ten tries.
async fn ten_wrong_tries_then_a_wait_for_known_and_unknown_handles_alike(
    server: Server,
) -> Result<()> {
    let mut owner = server.person().await?;
    let browser = server.browser();
    let mut rng = browser.rng();
    let unknown = draw_handle(&mut rng);
    let mut refusals = Vec::new();
    for handle in [owner.handle.clone(), unknown] {
        // The server counts first messages; the words that would follow do not matter.
        let first = first_message(&server, &browser, &handle).await?;
        for _ in 1..FREE {
            ensure!(browser.send(&first, None).await?.status == 200);
        }
        let refused = browser.send(&first, None).await?;
        ensure!(refused.status == 429 && refused.code() == Some(Code::TooManyTries));
        ensure!(refused.header("retry-after") == Some("30"), "{:?}", refused.headers);
        refusals.push(refused);
    }
    ensure!(refusals[0].body == refusals[1].body && refusals[0].headers == refusals[1].headers);

    // The session in use does not notice, nor does the sheet, nor does another safe.
    owner.vault.sync(&owner.browser).await?;
    owner.add("Passeport", b"scan").await?;
    owner.with_sheet(&browser, false).await?;
    server.person().await?;

    // A restart forgets nothing; the wait ends, and the right words open.
    let server = server.restart().await?;
    let refused =
        owner.with_words(&browser, false).await.err().context("the wait was forgotten")?;
    ensure!(refused.code() == "too_many_tries", "{refused:?}");
    server.clock().advance(31);
    owner.with_words(&browser, false).await?;
    Ok(())
}

/// A first message of an unlocking, as it went over the wire.
async fn first_message(server: &Server, browser: &Browser, handle: &str) -> Result<Call> {
    let from = server.recording().borrow().len();
    let wrong = SixWords::generate(&mut browser.rng());
    unlock_with_words(browser, handle, &wrong, false).await.err();
    let body = String::from_utf8(server.recording().borrow()[from].sent.clone())?;
    let (method, path) = ("POST", "/v1/unlock/words".to_owned());
    Ok(Call { method, path, authorized: false, body: CallBody::Json(body) })
}

async fn a_good_try_is_given_back(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let browser = server.browser();
    for _ in 0..FREE + 2 {
        owner.with_words(&browser, true).await?;
    }
    Ok(())
}

async fn a_sheet_that_opens_nothing_says_so(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let browser = server.browser();
    let stranger = PaperSecret::generate(&mut browser.rng());
    let refused = unlock_with_paper(&browser, &stranger, false).await.err();
    ensure!(refused.as_ref().map(Error::code) == Some("wrong_held"), "{refused:?}");
    // What was sent for a good one opens nothing a second time.
    let from = server.recording().borrow().len();
    owner.with_sheet(&browser, false).await?;
    let used = String::from_utf8(server.recording().borrow()[from].sent.clone())?;
    let (method, path) = ("POST", "/v1/unlock/held".to_owned());
    let call = Call { method, path, authorized: false, body: CallBody::Json(used) };
    let replayed = browser.send(&call, None).await?;
    ensure!(replayed.status == 401 && replayed.code() == Some(Code::WrongHeld));
    Ok(())
}

/// I-12, I-20: what is no request is refused and changes nothing.
async fn what_is_no_request_is_refused_and_changes_nothing(server: Server) -> Result<()> {
    let owner = server.person().await?;
    let before = server.dump().await?;
    let deep = "[".repeat(20_000);
    let bodies: [&[u8]; 8] = [
        b"",
        b"{}",
        b"null",
        b"[1,2,3]",
        b"\xff\xfe",
        br#"{"statement":"not base64!"}"#,
        br#"{"statement":"AAAA","opening":"AAAA","held_use":"AAAA","request":"AAAA","handle":"a-b-1"}"#,
        deep.as_bytes(),
    ];
    let posts = reconnect::app::ROUTES.iter().filter(|route| route.method == "POST");
    for route in posts {
        let path = route.path.replace(['{', '}'], "");
        for body in bodies {
            let json = String::from_utf8_lossy(body).into_owned();
            let call = Call {
                method: "POST",
                path: path.clone(),
                authorized: true,
                body: CallBody::Json(json),
            };
            let answer = owner.browser.send(&call, Some(owner.vault.token())).await?;
            let refused = (400..500).contains(&answer.status) && answer.code().is_some();
            ensure!(refused, "{} {}: {}", route.method, route.path, answer.status);
        }
    }
    let after = server.dump().await?.without(&["handle_tries"]);
    let before = before.without(&["handle_tries"]);
    ensure!(before == after, "a refusal changed {}", before.difference(&after));
    Ok(())
}
