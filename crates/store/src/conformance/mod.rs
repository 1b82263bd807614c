//! The one suite that every [`ObjectStore`] passes: the fake, the embedded
//! store, and independent servers. A test that is green against the fake
//! means something because of it.

mod conditions;
mod contents;
mod listing;
mod races;
mod run;

use crate::{ObjectStore, StoreError};
use futures::future::BoxFuture;
use run::Run;
use std::fmt;
use std::sync::Arc;

/// The names of the cells that ran, all of them passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConformanceReport {
    pub passed: Vec<&'static str>,
}

/// The cells that failed; at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of {total} cells failed:{}", failures.len(), lines(failures))]
pub struct ConformanceFailure {
    pub failures: Vec<CellFailure>,
    pub total: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFailure {
    pub cell: &'static str,
    pub problem: CellProblem,
}

fn lines(failures: &[CellFailure]) -> String {
    failures
        .iter()
        .map(|failure| format!("\n  {}: {}", failure.cell, failure.problem))
        .collect()
}

/// Why a cell failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellProblem {
    #[error("expected {expected}, seen {seen}")]
    Unexpected { expected: String, seen: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system gave no random bytes: {0}")]
    NoEntropy(String),
}

/// `Ok`, or what was seen in place of `expected`.
fn expect<T: PartialEq + fmt::Debug>(seen: T, expected: T) -> Result<(), CellProblem> {
    match seen == expected {
        true => Ok(()),
        false => Err(CellProblem::Unexpected {
            expected: format!("{expected:?}"),
            seen: format!("{seen:?}"),
        }),
    }
}

type CellFunction = for<'a> fn(&'a Run) -> BoxFuture<'a, Result<(), CellProblem>>;

struct Cell {
    name: &'static str,
    run: CellFunction,
}

/// Makes a [`Cell`] whose name is the function's.
macro_rules! cells {
    ($($module:ident :: $function:ident),* $(,)?) => {
        [$(Cell {
            name: stringify!($function),
            run: |run| Box::pin($module::$function(run)),
        }),*]
    };
}

fn all_cells() -> impl IntoIterator<Item = Cell> {
    cells![
        conditions::create_on_an_absent_key_is_applied,
        conditions::create_on_an_existing_key_is_refused_and_changes_nothing,
        conditions::swap_with_the_current_etag_is_applied,
        conditions::swap_with_a_stale_etag_is_refused_and_changes_nothing,
        conditions::swap_of_an_absent_key_is_refused_and_creates_nothing,
        conditions::swap_after_a_delete_is_refused,
        conditions::create_after_a_delete_is_applied,
        conditions::delete_of_an_absent_key_is_no_error,
        conditions::get_answers_not_modified_for_the_current_etag_only,
        contents::get_of_an_absent_key_answers_absent,
        contents::put_get_and_list_agree_on_the_etag,
        contents::bodies_come_back_as_they_were,
        contents::unusual_keys_are_kept_apart,
        contents::reads_see_the_write_before_them,
        races::of_rival_creates_exactly_one_is_applied,
        races::of_rival_swaps_exactly_one_is_applied,
        races::no_increment_is_lost,
        listing::list_is_ordered_and_bounded_by_prefix_and_after,
        listing::list_goes_on_over_pages,
    ]
}

/// Runs every cell, one after the other, on keys below a random prefix, and
/// removes those keys. Failures are gathered: one does not hide the next.
pub async fn conformance(
    store: Arc<dyn ObjectStore>,
) -> Result<ConformanceReport, ConformanceFailure> {
    let (mut passed, mut failures) = (Vec::new(), Vec::new());
    for cell in all_cells() {
        match run_cell(&store, &cell).await {
            Ok(()) => passed.push(cell.name),
            Err(problem) => failures.push(CellFailure {
                cell: cell.name,
                problem,
            }),
        }
    }
    let total = passed.len() + failures.len();
    match failures.is_empty() {
        true => Ok(ConformanceReport { passed }),
        false => Err(ConformanceFailure { failures, total }),
    }
}

async fn run_cell(store: &Arc<dyn ObjectStore>, cell: &Cell) -> Result<(), CellProblem> {
    let run = Run::new(store.clone(), cell.name)?;
    let outcome = (cell.run)(&run).await;
    let cleared = run.clear().await;
    outcome.and(cleared)
}
