//! Pictures without what their camera wrote beside them: place, device, names, thumbnails.
//!
//! Only the parts that a decoder needs are kept, by a list of what may stay; everything else goes,
//! and so does whatever follows the picture's end. The pixels are not touched. How the camera was
//! held is kept, since the picture would lie on its side without it.
//!
//! (The container libraries that were weighed keep what follows a JPEG's end, where phones hide
//! films and maps: hence this small walk of our own.)

/// Why a picture was not cleaned: it is not one of these formats, or it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not JPEG, PNG or WebP.
    #[error("another format")]
    OtherFormat,
    /// It ends too early or contradicts itself.
    #[error("broken")]
    Broken,
}

/// The same picture with nothing but what shows it.
pub fn without_traces(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    match bytes {
        [0xff, 0xd8, ..] => clean_jpeg(bytes),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => clean_png(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => clean_webp(bytes),
        _ => Err(PictureError::OtherFormat),
    }
}

fn part(bytes: &[u8], start: usize, length: usize) -> Result<&[u8], PictureError> {
    start.checked_add(length).and_then(|end| bytes.get(start..end)).ok_or(PictureError::Broken)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |value, byte| (value << 8) | usize::from(*byte))
}

/// ITU-T T.81 annex B.
fn clean_jpeg(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut clean = vec![0xff, 0xd8];
    let mut at = 2;
    let mut oriented = false;
    loop {
        let [fill, marker] = part(bytes, at, 2)? else { return Err(PictureError::Broken) };
        if *fill != 0xff {
            return Err(PictureError::Broken);
        }
        match *marker {
            0xff => at += 1,
            0xd9 => {
                clean.extend_from_slice(&[0xff, 0xd9]);
                return Ok(clean);
            }
            // Markers without a length: restarts and the like.
            0x01 | 0xd0..=0xd7 => at += 2,
            marker => {
                let length = number(part(bytes, at + 2, 2)?);
                let content =
                    part(bytes, at + 4, length.checked_sub(2).ok_or(PictureError::Broken)?)?;
                if jpeg_keeps(marker, content) {
                    clean.extend_from_slice(part(bytes, at, 2 + length)?);
                } else if marker == 0xe1
                    && !oriented
                    && let Some(orientation) = exif_orientation(content)
                {
                    clean.extend_from_slice(&orientation_segment(orientation));
                    oriented = true;
                }
                at += 2 + length;
                if marker == 0xda {
                    let length = scan_bytes(bytes.get(at..).unwrap_or_default())?;
                    clean.extend_from_slice(part(bytes, at, length)?);
                    at += length;
                }
            }
        }
    }
}

/// Tables, frames, scans, and of the application segments JFIF, colour profile and Adobe's colours.
fn jpeg_keeps(marker: u8, content: &[u8]) -> bool {
    match marker {
        0xe0 => content.starts_with(b"JFIF\0"),
        0xe2 => content.starts_with(b"ICC_PROFILE\0"),
        0xee => content.starts_with(b"Adobe"),
        0xc0..=0xcf | 0xda..=0xdf => true,
        _ => false,
    }
}

/// How many bytes a scan's entropy-coded data has: up to a marker that is neither a stuffed byte
/// nor a restart.
fn scan_bytes(bytes: &[u8]) -> Result<usize, PictureError> {
    bytes
        .windows(2)
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff))
        .ok_or(PictureError::Broken)
}

/// Tag 0x0112 of the first directory (Exif 2.3 section 4.6), when it is not the usual 1.
fn exif_orientation(content: &[u8]) -> Option<u8> {
    let tiff = content.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let read = |start: usize, length: usize| -> Option<usize> {
        let mut bytes = tiff.get(start..start.checked_add(length)?)?.to_vec();
        if little {
            bytes.reverse();
        }
        Some(number(&bytes))
    };
    let directory = read(4, 4)?;
    let count = read(directory, 2)?;
    (0..count).find_map(|index| {
        let entry = directory.checked_add(2 + index * 12)?;
        let orientation =
            if read(entry, 2)? == 0x0112 { read(entry + 8, 2)? } else { return None };
        u8::try_from(orientation).ok().filter(|value| (2..=8).contains(value))
    })
}

/// An Exif segment that says nothing but the orientation.
fn orientation_segment(orientation: u8) -> Vec<u8> {
    let mut segment = vec![0xff, 0xe1, 0x00, 0x22];
    segment.extend_from_slice(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    segment.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    segment
}

/// PNG (W3C Recommendation, third edition), section 5. `eXIf` and texts go, animation stays.
fn clean_png(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut clean = part(bytes, 0, 8)?.to_vec();
    let mut at = 8;
    loop {
        let length = number(part(bytes, at, 4)?);
        let kind = part(bytes, at + 4, 4)?;
        let whole = part(bytes, at, length.checked_add(12).ok_or(PictureError::Broken)?)?;
        let kept: [&[u8]; 15] = [
            b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT",
            b"sRGB", b"cICP", b"pHYs", b"acTL", b"fcTL", b"fdAT",
        ];
        if kept.contains(&kind) {
            clean.extend_from_slice(whole);
        }
        if kind == b"IEND" {
            return Ok(clean);
        }
        at += whole.len();
    }
}

/// RFC 9649 section 2. The flags for Exif and XMP are cleared with their chunks.
fn clean_webp(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let little =
        |bytes: &[u8]| bytes.iter().rev().fold(0, |value, b| (value << 8) | usize::from(*b));
    let length = little(part(bytes, 4, 4)?);
    let end =
        length.checked_add(8).filter(|end| *end <= bytes.len()).ok_or(PictureError::Broken)?;
    let mut body = b"WEBP".to_vec();
    let mut at = 12;
    while at < end {
        let kind = part(bytes, at, 4)?;
        let length = little(part(bytes, at + 4, 4)?);
        let padded = length.checked_add(length % 2 + 8).ok_or(PictureError::Broken)?;
        let mut whole = part(bytes, at, padded)?.to_vec();
        at += padded;
        let kept: [&[u8]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
        if !kept.contains(&kind) {
            continue;
        }
        if kind == b"VP8X" {
            let flags = whole.get_mut(8).ok_or(PictureError::Broken)?;
            *flags &= !0x0c;
        }
        body.extend_from_slice(&whole);
    }
    let size = u32::try_from(body.len()).map_err(|_| PictureError::Broken)?;
    Ok([b"RIFF".as_slice(), &size.to_le_bytes(), &body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &[u8] = b"48.8566N2.3522E-canary";

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).expect("short");
        [&[0xff, marker], length.to_be_bytes().as_slice(), content].concat()
    }

    fn exif(orientation: u8) -> Vec<u8> {
        let mut content = b"Exif\0\0II\x2a\0\x08\0\0\0\x02\0".to_vec();
        content.extend_from_slice(&[0x0f, 0x01, 2, 0, 4, 0, 0, 0, b'a', b'b', b'c', 0]);
        content.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
        content.extend_from_slice(&[0; 4]);
        content.extend_from_slice(CANARY);
        content
    }

    fn jpeg(orientation: u8) -> Vec<u8> {
        [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xe1, &exif(orientation)),
            segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), CANARY].concat()),
            segment(0xed, CANARY),
            segment(0xfe, CANARY),
            segment(0xdb, &[7; 65]),
            segment(0xc0, &[8; 15]),
            segment(0xda, &[9; 10]),
            vec![1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4],
            segment(0xe1, CANARY),
            segment(0xda, &[10; 10]),
            vec![5, 6, 0xff, 0xd9],
            CANARY.to_vec(),
        ]
        .concat()
    }

    fn holds(haystack: &[u8], needle: &[u8]) -> bool {
        haystack.windows(needle.len()).any(|window| window == needle)
    }

    #[test]
    fn a_photo_loses_place_and_device_and_what_follows_its_end() {
        let photo = jpeg(1);
        assert!(holds(&photo, CANARY), "the scan finds what is there");
        let clean = without_traces(&photo).expect("a sound JPEG");
        assert!(!holds(&clean, CANARY));
        assert!(!holds(&clean, b"Exif"));
        assert!(clean.ends_with(&[5, 6, 0xff, 0xd9]));
        assert!(holds(&clean, &[1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4]), "the scan is untouched");
        assert_eq!(without_traces(&clean), Ok(clean.clone()));
    }

    #[test]
    fn a_photo_keeps_how_it_was_held_and_nothing_else_of_its_exif() {
        let clean = without_traces(&jpeg(6)).expect("a sound JPEG");
        assert!(!holds(&clean, CANARY));
        assert_eq!(exif_orientation(&orientation_segment(6)[4..]), Some(6));
        assert!(holds(&clean, &orientation_segment(6)));
        assert_eq!(without_traces(&clean), Ok(clean.clone()));
    }

    #[test]
    fn broken_pictures_are_refused_and_never_panic() {
        let photo = jpeg(6);
        for length in 0..photo.len() - CANARY.len() {
            assert!(without_traces(&photo[..length]).is_err(), "{length}");
        }
        assert_eq!(without_traces(b"GIF89a"), Err(PictureError::OtherFormat));
    }

    #[test]
    fn png_and_webp_lose_their_texts() {
        let chunk = |kind: &[u8], content: &[u8]| {
            let length = u32::try_from(content.len()).expect("short");
            [length.to_be_bytes().as_slice(), kind, content, &[0; 4]].concat()
        };
        let png = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0; 13]),
            chunk(b"tEXt", CANARY),
            chunk(b"eXIf", CANARY),
            chunk(b"IDAT", &[1; 9]),
            chunk(b"IEND", &[]),
            CANARY.to_vec(),
        ]
        .concat();
        let clean = without_traces(&png).expect("a sound PNG");
        assert!(!holds(&clean, CANARY) && holds(&clean, b"IDAT") && holds(&clean, b"IEND"));

        let riff = |kind: &[u8], content: &[u8]| {
            let length = u32::try_from(content.len()).expect("short");
            let padding = vec![0; content.len() % 2];
            [kind, length.to_le_bytes().as_slice(), content, &padding].concat()
        };
        let body = [
            b"WEBP".to_vec(),
            riff(b"VP8X", &[0x0c, 0, 0, 0, 1, 0, 0, 1, 0, 0]),
            riff(b"VP8L", &[1; 9]),
            riff(b"EXIF", CANARY),
            riff(b"XMP ", CANARY),
        ]
        .concat();
        let webp = riff(b"RIFF", &body);
        let clean = without_traces(&webp).expect("a sound WebP");
        assert!(!holds(&clean, CANARY) && holds(&clean, b"VP8L"));
        assert_eq!(clean[20], 0, "the flags say that nothing is there");
    }
}
