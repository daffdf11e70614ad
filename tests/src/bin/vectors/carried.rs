//! Checkpoints on paper, and the squares that hold them: by hand from section 15.7.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::Signer as _;

use crate::{
    Vector, Writer, cut, flip_last,
    log::{ORIGIN, signing, verifier},
};

const TIME: u64 = 1_767_225_600;
const SIZE: u64 = 258;
const ROOT: [u8; 32] = [7; 32];

/// What the log's own cosignature covers, and the 114 bytes.
fn carried(origin: &str, seed: u8) -> Vec<u8> {
    // [7; 32] in base64.
    let root = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let message = format!("cosignature/v1\ntime {TIME}\n{origin}\n{SIZE}\n{root}\n");
    let signature = signing(seed).sign(message.as_bytes()).to_bytes();
    let (size, time) = (SIZE.to_be_bytes(), TIME.to_be_bytes());
    [&[0, 1], size.as_slice(), &ROOT, &time, &signature].concat()
}

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let good = Vector::new("carried", "of-a-log", "LOG-17", "the log's own cosignature")
        .with("log", verifier(ORIGIN, 1, 1))
        .hex("size", SIZE.to_be_bytes())
        .hex("root", ROOT)
        .hex("time", TIME.to_be_bytes())
        .item(carried(ORIGIN, 1));
    writer.put(&good)?;
    for (rule, expect, name, about, vector) in [
        ("LOG-17", "bad_signature", "of-another-key", "a log of that name, another key", {
            good.clone().item(carried(ORIGIN, 2))
        }),
        ("LOG-17", "bad_signature", "of-another-origin", "the key's, for another log", {
            good.clone().item(carried("log.example/other", 1))
        }),
        ("LOG-17", "bad_signature", "another-size", "not what was signed", {
            good.clone().change(|bytes| bytes[9] ^= 1)
        }),
        ("LOG-17", "bad_signature", "another-root", "not what was signed", {
            good.clone().change(|bytes| bytes[10] ^= 1)
        }),
        ("LOG-17", "bad_signature", "another-time", "not what was signed", {
            good.clone().change(|bytes| bytes[49] ^= 1)
        }),
        ("SIG-1", "bad_signature", "one-bit", "of the signature", good.clone().change(flip_last)),
        ("CODEC-1", "truncated", "truncated", "one byte short", good.clone().change(cut)),
        ("CODEC-1", "trailing", "trailing", "one byte too long", {
            good.clone().change(|bytes| bytes.push(0))
        }),
        ("CODEC-2", "unknown_version", "suite-2", "a later suite", {
            good.clone().change(|bytes| bytes[1] = 2)
        }),
    ] {
        writer.put(&vector.spoilt(name, rule, expect, about))?;
    }
    squares(writer)
}

fn squares(writer: &mut Writer) -> Result<()> {
    let bytes = carried(ORIGIN, 1);
    let encoded = URL_SAFE_NO_PAD.encode(&bytes);
    let text = "CRCQXEX42713MQFW9NNJC1VDZ435F3R4Z2ZM";
    let whole_text = format!("{text}.{encoded}");
    let whole =
        Vector::new("square", "with-a-checkpoint", "LOG-16", "a sheet's letters and a checkpoint")
            .hex("text", text)
            .hex("carried", &bytes)
            .item(&whole_text);
    writer.put(&whole)?;
    let alone = whole.spoilt("alone", "LOG-16", "ok", "nothing was seen of a log yet");
    writer.put(&alone.hex("carried", []).item(text))?;
    for (name, about, typed) in [
        ("letters-with-points", "as somebody typed them", "CRCQ.XEX4.2713.MQFW".to_owned()),
        ("another-point", "a point too many", format!("{text}..{encoded}")),
        ("padded", "base64 with its padding", format!("{text}.{encoded}=")),
        ("cut", "not all of it", {
            let mut cut = whole_text.clone();
            cut.pop();
            cut
        }),
    ] {
        let vector = whole.spoilt(name, "LOG-17", "ok", about).hex("text", &typed);
        writer.put(&vector.hex("carried", []).item(typed))?;
    }
    Ok(())
}
