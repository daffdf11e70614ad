//! Writes the list of words as the page carries it: each word only as far as it differs from the one
//! before. A table of 7,776 pointers would weigh more than the words themselves.

use std::{env, error::Error, fs, path::Path};

use diceware_wordlists::EFF_LONG_WORDLIST as WORDS;

fn main() -> Result<(), Box<dyn Error>> {
    let mut list = String::new();
    let mut kept = 0;
    for (place, word) in WORDS.iter().enumerate() {
        list.push_str(word.get(kept..).ok_or("words are ASCII")?);
        let next = WORDS.get(place + 1).unwrap_or(&"");
        kept = word.bytes().zip(next.bytes()).take_while(|(one, other)| one == other).count();
        // An upper-case letter ends a word and says how much of it the next one keeps: A for none.
        list.push(char::from(b'A' + u8::try_from(kept)?));
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("words.txt"), list)?;
    Ok(())
}
