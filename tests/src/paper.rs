//! Papers that people might have, made here: pictures of a sheet with lines, and a PDF of one page.

use std::fmt::Write as _;

use anyhow::Result;
use jpeg_encoder::{ColorType, Encoder};
use reconnect_core::{document::DocumentKind, vault::PaperCard};

/// A paper with what its card says.
pub struct Made {
    /// The file.
    pub bytes: Vec<u8>,
    /// Title, kind, picture.
    pub card: PaperCard,
}

/// A colour.
type Colour = [u8; 3];

const INK: Colour = [58, 64, 82];
const DESK: Colour = [222, 226, 230];
const SHEET: Colour = [252, 250, 244];

/// A photo of a sheet with a coloured head, as a phone would take it; the picture of it is small.
pub fn photo(title: &str, colour: Colour) -> Result<Made> {
    let thumbnail = sheet(240, 320, colour, 70)?;
    Ok(Made {
        bytes: sheet(1200, 1600, colour, 88)?,
        card: PaperCard {
            title: title.to_owned(),
            kind: DocumentKind::Photo,
            media_type: "image/jpeg".to_owned(),
            page_count: 1,
            thumbnail: Some(thumbnail),
        },
    })
}

/// A PDF of one page with these lines on it.
pub fn pdf(title: &str, colour: Colour, lines: &[&str]) -> Result<Made> {
    Ok(Made {
        bytes: one_page(lines)?,
        card: PaperCard {
            title: title.to_owned(),
            kind: DocumentKind::Pdf,
            media_type: "application/pdf".to_owned(),
            page_count: 1,
            thumbnail: Some(sheet(240, 320, colour, 70)?),
        },
    })
}

/// A canvas, three bytes a pixel.
struct Canvas {
    width: u16,
    height: u16,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: u16, height: u16, colour: Colour) -> Self {
        let count = usize::from(width) * usize::from(height);
        Self { width, height, pixels: colour.repeat(count) }
    }

    /// Paints a rectangle that is given in thousandths of width and height.
    fn paint(&mut self, [left, top, right, bottom]: [u16; 4], colour: Colour) {
        let scale = |part: u16, whole: u16| usize::from(part) * usize::from(whole) / 1000;
        let row = usize::from(self.width);
        for y in scale(top, self.height)..scale(bottom, self.height) {
            let from = (y * row + scale(left, self.width)) * 3;
            let to = (y * row + scale(right, self.width)) * 3;
            for pixel in self.pixels.get_mut(from..to).into_iter().flatten().enumerate() {
                let (index, byte) = pixel;
                *byte = colour[index % 3];
            }
        }
    }
}

fn sheet(width: u16, height: u16, colour: Colour, quality: u8) -> Result<Vec<u8>> {
    let mut canvas = Canvas::new(width, height, DESK);
    canvas.paint([92, 68, 922, 948], [198, 203, 209]);
    canvas.paint([80, 60, 910, 940], SHEET);
    canvas.paint([80, 60, 910, 190], colour);
    canvas.paint([130, 105, 520, 145], SHEET);
    // A portrait: shoulders, head.
    canvas.paint([680, 240, 860, 420], DESK);
    canvas.paint([710, 350, 830, 420], colour);
    canvas.paint([742, 272, 798, 345], [176, 138, 112]);
    for (index, width) in [470, 380, 430, 300].into_iter().enumerate() {
        let top = 250 + u16::try_from(index)? * 45;
        canvas.paint([130, top, 130 + width, top + 12], INK);
    }
    for (index, width) in [720, 690, 730, 640, 710, 700, 450].into_iter().enumerate() {
        let top = 490 + u16::try_from(index)? * 45;
        canvas.paint([130, top, 130 + width, top + 10], [150, 154, 166]);
    }
    canvas.paint([640, 830, 850, 900], colour);
    canvas.paint([655, 842, 835, 888], SHEET);
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality).encode(
        &canvas.pixels,
        canvas.width,
        canvas.height,
        ColorType::Rgb,
    )?;
    Ok(jpeg)
}

/// ISO 32000-1: five objects, a table of where they are, and a trailer.
fn one_page(lines: &[&str]) -> Result<Vec<u8>> {
    let mut text = String::from("BT /F1 20 Tf 72 740 Td 30 TL\n");
    for (index, line) in lines.iter().enumerate() {
        if index == 1 {
            text.push_str("/F1 12 Tf 20 TL T*\n");
        }
        writeln!(text, "({}) Tj T*", in_win_ansi(line))?;
    }
    text.push_str("ET\n0.4 w 72 715 m 523 715 l S\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}endstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(pdf.len());
        write!(pdf, "{} 0 obj\n{object}\nendobj\n", index + 1)?;
    }
    let table = pdf.len();
    write!(pdf, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1)?;
    for offset in offsets {
        writeln!(pdf, "{offset:010} 00000 n ")?;
    }
    let size = objects.len() + 1;
    write!(pdf, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n")?;
    Ok(pdf.into_bytes())
}

/// Text of Western Europe in a PDF string: what is not ASCII as an octal escape.
fn in_win_ansi(line: &str) -> String {
    line.chars().fold(String::new(), |mut text, letter| {
        match letter {
            '(' | ')' | '\\' => text.extend(['\\', letter]),
            // U+2019 is 0x92 in Windows-1252; Latin-1 keeps its numbers.
            '\u{2019}' => text.push_str("\\222"),
            '\u{a0}'..='\u{ff}' => {
                let _ = write!(text, "\\{:03o}", u32::from(letter));
            }
            ' '..='~' => text.push(letter),
            _ => text.push('?'),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, ensure};

    use super::*;

    #[test]
    fn a_photo_is_a_jpeg_and_its_picture_fits_into_a_thumbnail() -> Result<()> {
        let made = photo("Passeport", [122, 38, 58])?;
        let small = made.card.thumbnail.context("no picture")?;
        for jpeg in [&made.bytes, &small] {
            ensure!(jpeg.starts_with(&[0xff, 0xd8, 0xff]) && jpeg.ends_with(&[0xff, 0xd9]));
        }
        ensure!(small.len() < 32_000 && made.bytes.len() > 20_000);
        Ok(())
    }

    #[test]
    fn a_pdf_says_where_its_objects_are() -> Result<()> {
        let made = pdf("Attestation", [1, 2, 3], &["L'été (déjà)", "", "Fait à Lyon"])?;
        let text = String::from_utf8(made.bytes)?;
        ensure!(text.contains(r"(L'\351t\351 \(d\351j\340\))"), "{text}");
        let (_, table) = text.split_once("xref\n0 6\n").context("no table")?;
        for (number, line) in table.lines().skip(1).take(5).enumerate() {
            let offset: usize = line.split(' ').next().context("no offset")?.parse()?;
            let object = text.get(offset..).context("an offset past the end")?;
            ensure!(object.starts_with(&format!("{} 0 obj", number + 1)), "object {number}");
        }
        Ok(())
    }
}
