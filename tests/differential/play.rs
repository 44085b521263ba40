//! Playing programs twice, and telling of differences.

use std::fs;
use std::path::Path;

use crate::common::libssl::Libssl;
use crate::common::{cc, diff, root};
use crate::coverage::Coverage;
use crate::generator::Generator;
use crate::player::{self, Getters, Player};
use crate::program::Program;
use crate::settings::Settings;
use crate::shrink::shrink;

/// libssl alone, and with the library in front of it.
struct Both {
    stock: Player,
    ours: Player,
}

struct Traces {
    stock: String,
    ours: String,
}

impl Both {
    fn start(libssl: &Libssl, settings: &Settings) -> Result<Both, String> {
        Ok(Both {
            stock: Player::start(libssl, None, Getters::Watched)?,
            ours: Player::start(libssl, settings.preload.as_deref(), Getters::Watched)?,
        })
    }

    /// A mutant takes the place of the library.
    fn with_mutant(libssl: &Libssl, mutant: &Path, getters: Getters) -> Result<Both, String> {
        Ok(Both {
            stock: Player::start(libssl, None, getters)?,
            ours: Player::start(libssl, Some(mutant), getters)?,
        })
    }

    /// The two play at the same time.
    fn play(&mut self, program: &Program) -> Result<Traces, String> {
        let text = program.to_string();
        self.stock.begin(&text)?;
        self.ours.begin(&text)?;
        let stock = self.stock.trace().map_err(|error| format!("libssl alone: {error}"))?;
        let ours = self.ours.trace().map_err(|error| format!("with the library: {error}"))?;
        Ok(Traces { stock, ours })
    }
}

impl Traces {
    fn differ(&self) -> bool {
        self.stock != self.ours
    }

    /// A program must not be one that libssl alone cannot play.
    fn complaint(&self) -> Option<&str> {
        self.stock.lines().find(|line| line.starts_with('!') || line.contains(".c:"))
    }
}

/// Random programs; the first that makes a difference is shrunk and told.
pub(crate) fn programs(libssl: &Libssl, settings: &Settings) -> Result<(), String> {
    let mut both = Both::start(libssl, settings)?;
    let generator = Generator::new(settings.seed);
    let mut coverage = Coverage::default();
    for number in settings.first..settings.first + settings.programs {
        let program = generator.program(number)?;
        let traces = both.play(&program).map_err(|error| format!("program {number}: {error}\n{program}"))?;
        if let Some(complaint) = traces.complaint() {
            let small = shrink(program, |candidate| {
                both.play(candidate).is_ok_and(|traces| traces.complaint().is_some())
            });
            return Err(format!("libssl alone cannot play program {number}: {complaint}\n{small}"));
        }
        if traces.differ() {
            let small = shrink(program, |candidate| {
                both.play(candidate).is_ok_and(|traces| traces.differ() && traces.complaint().is_none())
            });
            return Err(report(libssl, settings, number, &small, &both.play(&small)?));
        }
        coverage.add(&traces.stock);
    }
    let missing = coverage.missing(settings.programs);
    coverage.publish();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("no program reached: {}", missing.join(", ")))
}

fn report(libssl: &Libssl, settings: &Settings, number: u64, program: &Program, traces: &Traces) -> String {
    let difference = diff::lines(&traces.stock, &traces.ours);
    let file = player::folder().join(format!("{}-{}-{number}.txt", libssl.name, settings.seed));
    let saved = match fs::write(&file, format!("# {}\n{program}", libssl.name)) {
        Ok(()) => format!(
            "SESSCACHE_DIFF_REPLAY={} SESSCACHE_DIFF_LIBSSL={} make check-differential",
            file.display(),
            libssl.name
        ),
        Err(error) => format!("cannot write {}: {error}", file.display()),
    };
    format!(
        "the traces differ (- libssl alone, + with the library)\n{difference}\nprogram {number} of \
         SESSCACHE_DIFF_SEED={}, shrunk:\n{program}\nreplay it:\n{saved}",
        settings.seed
    )
}

/// The programs that once made a difference, or the one to replay.
pub(crate) fn regressions(libssl: &Libssl, settings: &Settings) -> Result<(), String> {
    let mut both = Both::start(libssl, settings)?;
    let files = match &settings.replay {
        Some(file) => vec![file.clone()],
        None => cc::files(&root().join("tests/differential/regressions"))?,
    };
    for file in files {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        compare(&mut both, &file, &Program::parse(&text), settings)?;
    }
    Ok(())
}

/// So many programs must be enough to notice a mutant.
const FOR_A_MUTANT: u64 = 600;
/// Always the same programs: whether a mutant is noticed must not be a matter of luck.
const MUTANTS_SEED: u64 = 1;

/// A library that gets one thing wrong on purpose must be noticed, or this test could not fail.
pub(crate) fn mutant_is_noticed(source: &Path, libssl: &Libssl) -> Result<(), String> {
    // Many put a function of theirs in front of the application's. Only of this one that is the whole fault.
    let getters = if source.ends_with("trampoline_shows.c") { Getters::Watched } else { Getters::Ignored };
    let mut both = Both::with_mutant(libssl, &cc::preloadable(source, libssl)?, getters)?;
    let generator = Generator::new(MUTANTS_SEED);
    for number in 0..FOR_A_MUTANT {
        let program = generator.program(number)?;
        let noticed = both.play(&program).map_or(true, |traces| traces.differ());
        if noticed {
            println!("differential: {} noticed by program {number}", source.display());
            return Ok(());
        }
    }
    Err(format!("{FOR_A_MUTANT} programs do not notice {}", source.display()))
}

fn compare(both: &mut Both, file: &Path, program: &Program, settings: &Settings) -> Result<(), String> {
    let traces = both.play(program)?;
    if settings.show {
        println!("{}", traces.stock);
    }
    if let Some(complaint) = traces.complaint() {
        return Err(format!("libssl alone cannot play {}: {complaint}", file.display()));
    }
    if traces.differ() {
        let difference = diff::lines(&traces.stock, &traces.ours);
        return Err(format!(
            "{}: the traces differ (- libssl alone, + with the library)\n{difference}",
            file.display()
        ));
    }
    Ok(())
}
