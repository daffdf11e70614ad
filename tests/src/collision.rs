//! One ciphertext that two keys open: AES-GCM's authentication is linear, so one free block settles
//! both tags (Dodis, Grubbs, Ristenpart and Woodage, CRYPTO 2018, section 3.1).

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
    aes::{Aes256, cipher::BlockCipherEncrypt as _},
};
use anyhow::{Context as _, Result};

/// A ciphertext with its tag, of `blocks` blocks of 16 bytes, that opens under both keys with
/// nonce `nonce` and associated data `ad`.
pub fn two_keys(
    keys: [&[u8; 32]; 2],
    nonce: [u8; 12],
    ad: &[u8; 32],
    mut blocks: Vec<[u8; 16]>,
) -> Result<Vec<u8>> {
    let sides = keys.map(|key| Side::new(key, nonce));
    let free = blocks.len() - 1;
    blocks[free] = [0; 16];
    // tag = mask + polynomial(h) over ad, blocks, lengths; the free block's power of h is 2, since
    // the lengths and the final multiplication come after it.
    let partial = sides.each_ref().map(|side| side.tag(ad, &blocks));
    let difference = partial[0] ^ partial[1];
    let power = sides.each_ref().map(|side| multiply(side.h, side.h));
    let factor = invert(power[0] ^ power[1]);
    blocks[free] = multiply(difference, factor).to_be_bytes();
    let tag = sides[0].tag(ad, &blocks);
    let sealed = [blocks.concat().as_slice(), &tag.to_be_bytes()].concat();
    for key in keys {
        Aes256Gcm::new(key.into())
            .decrypt(&nonce.into(), Payload { msg: &sealed, aad: ad })
            .ok()
            .context("the collision does not open under both keys")?;
    }
    Ok(sealed)
}

struct Side {
    h: u128,
    mask: u128,
}

impl Side {
    fn new(key: &[u8; 32], nonce: [u8; 12]) -> Self {
        let aes = Aes256::new(key.into());
        let block = |input: [u8; 16]| {
            let mut block = input.into();
            aes.encrypt_block(&mut block);
            u128::from_be_bytes(block.into())
        };
        let mut counter = [0; 16];
        counter[..12].copy_from_slice(&nonce);
        counter[15] = 1;
        Self { h: block([0; 16]), mask: block(counter) }
    }

    fn tag(&self, ad: &[u8; 32], blocks: &[[u8; 16]]) -> u128 {
        let lengths = (u128::from(256_u64) << 64) | (blocks.len() as u128 * 128);
        let (ad, _) = ad.as_chunks::<16>();
        let all = ad.iter().chain(blocks).map(|block| u128::from_be_bytes(*block));
        let sum = all.chain([lengths]).fold(0, |sum, block| multiply(sum ^ block, self.h));
        sum ^ self.mask
    }
}

/// In GCM's field (NIST SP 800-38D section 6.3): the first bit is the constant term.
fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut power) = (0, y);
    for place in (0..128).rev() {
        if (x >> place) & 1 == 1 {
            product ^= power;
        }
        let carry = power & 1 == 1;
        power >>= 1;
        if carry {
            power ^= 0xe1 << 120;
        }
    }
    product
}

/// By Fermat: the field has 2^128 elements.
fn invert(x: u128) -> u128 {
    let (mut result, mut power) = (1 << 127, x);
    for _ in 1..128 {
        power = multiply(power, power);
        result = multiply(result, power);
    }
    result
}
