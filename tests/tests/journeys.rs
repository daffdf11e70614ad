//! People reach their end: the real core in every browser, the real router, both databases.

#[path = "journeys/again.rs"]
mod again;
#[path = "journeys/another_key.rs"]
mod another_key;
#[path = "journeys/bad_input.rs"]
mod bad_input;
#[path = "journeys/closing.rs"]
mod closing;
#[path = "journeys/colleagues.rs"]
mod colleagues;
#[path = "journeys/depositing.rs"]
mod depositing;
#[path = "journeys/fresh.rs"]
mod fresh;
#[path = "journeys/generations.rs"]
mod generations;
#[path = "journeys/guardians.rs"]
mod guardians;
#[path = "journeys/guessing.rs"]
mod guessing;
#[path = "journeys/introductions.rs"]
mod introductions;
#[path = "journeys/joining.rs"]
mod joining;
#[path = "journeys/kept_keys.rs"]
mod kept_keys;
#[path = "journeys/leaves.rs"]
mod leaves;
#[path = "journeys/leaving.rs"]
mod leaving;
#[path = "journeys/linking.rs"]
mod linking;
#[path = "journeys/managers.rs"]
mod managers;
#[path = "journeys/many.rs"]
mod many;
#[path = "journeys/overruling.rs"]
mod overruling;
#[path = "journeys/owner.rs"]
mod owner;
#[path = "journeys/renewals.rs"]
mod renewals;
#[path = "journeys/retired.rs"]
mod retired;
#[path = "journeys/rewraps.rs"]
mod rewraps;
#[path = "journeys/sessions.rs"]
mod sessions;
#[path = "journeys/sleeping.rs"]
mod sleeping;
#[path = "journeys/squares.rs"]
mod squares;
#[path = "journeys/structure.rs"]
mod structure;
#[path = "journeys/successors.rs"]
mod successors;
#[path = "journeys/together.rs"]
mod together;
#[path = "journeys/uploads.rs"]
mod uploads;
#[path = "journeys/ways.rs"]
mod ways;
#[path = "journeys/witnessed.rs"]
mod witnessed;

/// Plays each journey on `SQLite` and on `PostgreSQL`.
///
/// Words and PINs are stretched cheaply: at full cost that is a third of the work of a journey, and no database has a
/// part in it. Vectors, attacks and browsers pay the full cost.
macro_rules! on_both_databases {
    ($($journey:ident),* $(,)?) => {$(
        mod $journey {
            use reconnect_format::switch::{Check, without};
            use reconnect_tests::stage::{Database, Server};

            async fn on(database: Database) -> anyhow::Result<()> {
                let _cheaply = without(&[Check::StretchCost]);
                super::$journey(Server::on(database).await?).await
            }

            #[tokio::test]
            async fn on_sqlite() -> anyhow::Result<()> {
                on(Database::Sqlite).await
            }

            #[tokio::test]
            async fn on_postgres() -> anyhow::Result<()> {
                on(Database::Postgres).await
            }
        }
    )*};
}
use on_both_databases;
