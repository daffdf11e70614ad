//! What is measured beside its peers in one run. Nothing is, yet: the command says so.

fn main() -> anyhow::Result<()> {
    anyhow::bail!(
        "no benchmark is written yet; `cargo xtask web --budget` prints what the page weighs"
    )
}
