//! Work on packed leaves on every core, with the results in the order of the leaves.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::durable::StoreError;
use crate::leaves::{Leaves, Packed, StoredPacked};

/// Packed values handed over together: handing over costs more than hashing a few leaves.
const PACKED_TOGETHER: usize = 16;
/// Groups of packed values each worker may have waiting: bounds memory at about 110 KiB each.
const WAITING_PER_WORKER: usize = 4;

/// Maps every packed value with `map`, on as many threads as there are cores, and hands each result to `take` in order.
///
/// # Errors
/// The first error of `leaves` or `take`; what follows it is not looked at.
pub fn for_each_in_order<T: Send, E: From<StoreError>>(
    leaves: Leaves,
    map: impl Fn(&Packed) -> T + Sync,
    take: impl FnMut(Packed, T) -> Result<(), E>,
) -> Result<(), E> {
    for_groups_in_order(leaves, |group| group.iter().map(&map).collect(), take)
}

/// As [`for_each_in_order`], with a `map` that does some packed values at once and gives a result for each.
///
/// # Errors
/// As [`for_each_in_order`].
pub fn for_groups_in_order<T: Send, E: From<StoreError>>(
    leaves: Leaves,
    map: impl Fn(&[Packed]) -> Vec<T> + Sync,
    mut take: impl FnMut(Packed, T) -> Result<(), E>,
) -> Result<(), E> {
    let map = |group: Vec<Packed>| {
        let results = map(&group);
        group.into_iter().zip(results).collect::<Vec<_>>()
    };
    run(leaves, map, |mapped| {
        mapped
            .into_iter()
            .try_for_each(|(packed, mapped)| take(packed, mapped))
    })
}

/// As [`for_each_in_order`], with a `map` that makes one result of some packed values, which are gone by then: what one thread
/// made is best dropped by the same.
///
/// # Errors
/// As [`for_each_in_order`].
pub fn for_joined_in_order<T: Send, E: From<StoreError>>(
    leaves: Leaves,
    map: impl Fn(&[Packed]) -> T + Sync,
    take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    run(leaves, |group| map(&group), take)
}

fn run<T: Send, E: From<StoreError>>(
    mut leaves: Leaves,
    map: impl Fn(Vec<Packed>) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let lanes: Vec<Lane<T>> = (0..workers).map(|_| Lane::start(scope, &map)).collect();
        let (mut sending, mut receiving) = (lanes.iter().cycle(), lanes.iter().cycle());
        let mut under_way = 0;
        let mut ended = None;
        loop {
            while ended.is_none() && under_way < workers * WAITING_PER_WORKER {
                let (group, end) = next_group(&mut leaves);
                ended = end;
                if let Some(lane) = sending.next().filter(|_| !group.is_empty()) {
                    under_way += usize::from(lane.packed.send(group).is_ok());
                }
            }
            // What could not be read comes behind what was, which is taken first.
            match (ended.take_if(|_| under_way == 0), receiving.next()) {
                (Some(end), _) => return Ok(end?),
                (None, Some(lane)) => {
                    // A worker hangs up before its last result only when `map` panicked; the scope passes that on.
                    let Ok((mapped, broken)) = lane.mapped.recv() else {
                        return Ok(());
                    };
                    under_way -= 1;
                    mapped.map_or(Ok(()), &mut take)?;
                    broken.map_or(Ok(()), Err)?;
                }
                (None, None) => return Ok(()),
            }
        }
    })
}

/// The next packed values, and how reading ended if it did.
fn next_group(leaves: &mut Leaves) -> (Vec<StoredPacked>, Option<Result<(), StoreError>>) {
    let mut group = Vec::with_capacity(PACKED_TOGETHER);
    while group.len() < PACKED_TOGETHER {
        match leaves.next_stored() {
            Some(Ok(packed)) => group.push(packed),
            Some(Err(error)) => return (group, Some(Err(error))),
            None => return (group, Some(Ok(()))),
        }
    }
    (group, None)
}

/// Opens packed values up to the first that cannot be opened, and says why.
fn open(group: Vec<StoredPacked>) -> (Vec<Packed>, Option<StoreError>) {
    let mut opened = Vec::with_capacity(group.len());
    for stored in group {
        match stored.open() {
            Ok(packed) => opened.push(packed),
            Err(error) => return (opened, Some(error)),
        }
    }
    (opened, None)
}

/// What was made of a group, unless it is empty, and why no more of it could be opened.
type Mapped<T> = (Option<T>, Option<StoreError>);

struct Lane<T> {
    packed: SyncSender<Vec<StoredPacked>>,
    mapped: Receiver<Mapped<T>>,
}

impl<T: Send> Lane<T> {
    fn start<'scope, 'env>(
        scope: &'scope thread::Scope<'scope, 'env>,
        map: &'env (impl Fn(Vec<Packed>) -> T + Sync),
    ) -> Self
    where
        T: 'env,
    {
        let (packed, waiting) = sync_channel::<Vec<StoredPacked>>(WAITING_PER_WORKER);
        let (done, mapped) = sync_channel(WAITING_PER_WORKER);
        scope.spawn(move || {
            for group in waiting {
                let (opened, broken) = open(group);
                let mapped = (!opened.is_empty()).then(|| map(opened));
                if done.send((mapped, broken)).is_err() {
                    return;
                }
            }
        });
        Self { packed, mapped }
    }
}
