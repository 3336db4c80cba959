//! What goes wrong around a job: disks, damaged state, signals, readers that leave. Each time a clear error or a quiet end, and the rows
//! are those of an undisturbed run.

mod disk;
mod limits;
mod records;
mod state;
mod stop;
mod sync;

use anyhow::Result;
pub(crate) use disk::with_small_files;
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("faults::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("a_disk_that_is_full_for_the_output", disk::output),
        trial("a_disk_that_is_full_for_checkpoints", disk::checkpoints),
        trial("every_name_is_synced_after_its_contents", sync::names),
        trial("memory_that_ends", limits::memory),
        trial("file_descriptors_that_end", limits::descriptors),
        trial("every_damage_of_every_file_of_the_state", state::damaged),
        trial("directories_of_the_state_that_are_gone", state::removed),
        trial("a_state_directory_that_is_none", state::no_directory),
        trial("records_of_many_megabytes", records::huge),
        trial("a_second_interrupt_stops_at_once", stop::twice),
        trial("a_stop_at_any_moment_of_the_start", stop::at_start),
        trial("a_stop_while_no_broker_answers_and_no_secret_shown", stop::unanswered),
        trial("a_reader_that_leaves_ends_it_quietly", stop::reader_leaves),
    ]
}
