//! The pure state machine and the database agree: whatever people do, in whatever order and company, outcomes, rows,
//! letters and trail entries are those that `consent::subscription` and `trail::entry` say.

mod model;
mod world;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::doors::people::Bench;
use world::{Act, Verb, World};

/// Cases in an ordinary run; `PROPTEST_CASES` asks for more.
const CASES: u32 = 40;

#[derive(Clone, Debug)]
enum Step {
    /// Acts that are under way at the same time.
    Together(Vec<Act>),
    Wait(SignedDuration),
    Publish {
        list: usize,
        new_purpose: bool,
    },
    Pause {
        list: usize,
        who: usize,
    },
}

/// Waits that lead to either side of a rule's limit, and onto it.
fn waits() -> Vec<SignedDuration> {
    let micro = SignedDuration::from_micros(1);
    let limits = [
        SignedDuration::from_mins(10),
        SignedDuration::from_hours(1),
        SignedDuration::from_hours(24),
        SignedDuration::from_hours(72),
    ];
    let around = limits.into_iter().flat_map(|limit| [limit - micro, limit, limit + micro]);
    // A signup's end is cut to the second: from a quarter past one, this leads to it exactly.
    let quarter = SignedDuration::from_millis(250);
    let to_the_end = limits.into_iter().flat_map(|limit| [limit - quarter - micro, limit - quarter]);
    around.chain(to_the_end).chain([SignedDuration::from_mins(1), quarter * 3]).collect()
}

fn act() -> impl Strategy<Value = Act> {
    let verb = prop_oneof![
        4 => Just(Verb::SignUp), 4 => Just(Verb::Confirm), 2 => Just(Verb::Withdraw), 1 => Just(Verb::NotMe),
        2 => Just(Verb::Undo)
    ];
    let link = prop_oneof![4 => Just(0usize), 1 => 1usize..4];
    (verb, 0..2usize, 0..3usize, link, prop::bool::weighted(0.1))
        .prop_map(|(verb, list, who, link, later)| Act { verb, list, who, link, later })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop::collection::vec(act(), 1..3).prop_map(Step::Together),
        3 => prop::collection::vec(act(), 3..14).prop_map(Step::Together),
        5 => select(waits()).prop_map(Step::Wait),
        1 => (0..2usize, any::<bool>()).prop_map(|(list, new_purpose)| Step::Publish { list, new_purpose }),
        1 => (0..2usize, 0..3usize).prop_map(|(list, who)| Step::Pause { list, who }),
    ]
}

#[test]
fn any_sequence_of_acts_in_any_company_comes_out_as_the_pure_machine_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::open());
    let mut config = Config { failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..30), |steps| {
        runtime.block_on(async {
            let mut world = World::new(&bench).await;
            for step in steps {
                match step {
                    Step::Together(acts) => world.together(&acts, false).await?,
                    Step::Wait(time) => world.now += time,
                    Step::Publish { list, new_purpose } => world.publish(list, new_purpose).await,
                    Step::Pause { list, who } => world.pause(list, who).await,
                }
                world.agrees().await?;
            }
            world.adds_up().await
        })
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Acts on one subscription that certainly meet in one batch of their door, and whose doors certainly compete: what
/// comes out must be what some order of them would have come to.
#[tokio::test]
async fn several_acts_on_one_subscription_in_one_batch_come_out_in_some_order() {
    use Verb::{Confirm, NotMe, SignUp, Undo, Withdraw};
    let bench = Bench::open().await;
    let now = |verb| Act { verb, list: 0, who: 0, link: 0, later: false };
    let later = |verb| Act { later: true, ..now(verb) };
    let (minutes, hours) = (SignedDuration::from_mins, SignedDuration::from_hours);
    // A signup's end is cut to the second, and the noon of these tests lies a quarter past one.
    let (quarter, micro) = (SignedDuration::from_millis(250), SignedDuration::from_micros(1));

    // What has happened before, how long ago, and what comes together.
    let stories: Vec<(Vec<Verb>, SignedDuration, Vec<Act>)> = vec![
        (vec![], minutes(0), vec![now(SignUp); 4]),
        (vec![], minutes(0), vec![now(SignUp), later(SignUp), now(SignUp), later(SignUp)]),
        (vec![], minutes(0), vec![later(SignUp), now(SignUp), later(SignUp)]),
        (vec![SignUp], minutes(5), vec![now(SignUp), later(SignUp), now(Confirm)]),
        (vec![SignUp], minutes(11), vec![now(SignUp), now(SignUp), now(Confirm), now(Confirm)]),
        (vec![SignUp], minutes(11), vec![now(SignUp), now(NotMe), now(NotMe)]),
        (vec![SignUp], minutes(1), vec![now(Confirm); 4]),
        (vec![SignUp], minutes(1), vec![now(Confirm), now(Withdraw), now(Confirm), now(NotMe)]),
        (vec![SignUp], hours(72) - minutes(5), vec![later(Confirm), now(Confirm), later(Confirm)]),
        (vec![SignUp], hours(72) - quarter, vec![now(Confirm)]),
        (vec![SignUp], hours(72) - quarter - micro, vec![now(Confirm)]),
        (vec![SignUp], hours(73), vec![now(Confirm), now(Confirm), now(SignUp), now(NotMe)]),
        (vec![SignUp, Confirm], hours(1), vec![now(SignUp); 4]),
        (
            vec![SignUp, Confirm, SignUp],
            hours(24) - minutes(5),
            vec![now(SignUp), later(SignUp), later(SignUp)],
        ),
        (vec![SignUp, Confirm, SignUp], hours(24), vec![now(SignUp)]),
        (vec![SignUp, Confirm, SignUp], hours(24) - micro, vec![now(SignUp)]),
        (vec![SignUp, Confirm], hours(1), vec![now(NotMe), now(Withdraw), now(NotMe), now(Withdraw)]),
        (vec![SignUp, Confirm], hours(1), vec![now(SignUp), now(Withdraw), now(SignUp), now(Confirm)]),
        (vec![SignUp, Confirm, Withdraw], minutes(14), vec![now(Undo); 4]),
        (vec![SignUp, Confirm, Withdraw], minutes(1), vec![now(Undo), later(Undo), now(SignUp)]),
        (
            vec![SignUp, Confirm, Withdraw],
            minutes(1),
            vec![now(Undo), now(Withdraw), now(Undo), now(Withdraw)],
        ),
        (vec![SignUp, Confirm, Withdraw, SignUp], minutes(1), vec![now(Undo), now(Confirm), now(Undo)]),
        (vec![SignUp, Confirm, Withdraw, Undo, Withdraw, Undo], minutes(1), vec![now(Withdraw), now(Undo)]),
        (vec![SignUp, Confirm, Withdraw, Undo, Withdraw], minutes(1), vec![now(Undo), now(Undo), now(NotMe)]),
    ];
    for (n, (before, ago, together)) in stories.into_iter().enumerate() {
        let mut world = World::new(&bench).await;
        for verb in before {
            world.together(&[now(verb)], false).await.unwrap();
        }
        world.now += ago;
        let came = world.together(&together, true).await;
        came.unwrap_or_else(|error| panic!("story {n}: {error}"));
        world.agrees().await.unwrap_or_else(|error| panic!("story {n}: {error}"));
        world.adds_up().await.unwrap_or_else(|error| panic!("story {n}: {error}"));
    }
}
