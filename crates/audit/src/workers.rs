//! Work on packed leaves on every core, with the results in the order of the leaves.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use portbook_store::{Packed, StoreError};

/// Packed values each worker may have waiting: bounds memory at about 60 KiB each.
const WAITING_PER_WORKER: usize = 4;

/// Maps every packed value with `map`, on as many threads as there are cores, and hands each result to `take` in order.
///
/// # Errors
/// The first error of `leaves` or `take`; what follows it is not looked at.
pub(crate) fn for_each_in_order<T: Send, E: From<StoreError>>(
    mut leaves: impl Iterator<Item = Result<Packed, StoreError>>,
    map: impl Fn(&Packed) -> T + Sync,
    mut take: impl FnMut(Packed, T) -> Result<(), E>,
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let lanes: Vec<Lane<T>> = (0..workers).map(|_| Lane::start(scope, &map)).collect();
        let (mut sending, mut receiving) = (lanes.iter().cycle(), lanes.iter().cycle());
        let mut under_way = 0;
        let mut ended = None;
        loop {
            while ended.is_none() && under_way < workers * WAITING_PER_WORKER {
                match (leaves.next(), sending.next()) {
                    (Some(Ok(packed)), Some(lane)) => {
                        under_way += usize::from(lane.packed.send(packed).is_ok());
                    }
                    (Some(Err(error)), _) => ended = Some(Err(error)),
                    (Some(Ok(_)) | None, _) => ended = Some(Ok(())),
                }
            }
            // What could not be read comes behind what was, which is taken first.
            match (ended.take_if(|_| under_way == 0), receiving.next()) {
                (Some(end), _) => return Ok(end?),
                (None, Some(lane)) => {
                    // A worker hangs up before its last result only when `map` panicked; the scope passes that on.
                    let Ok((packed, mapped)) = lane.mapped.recv() else {
                        return Ok(());
                    };
                    under_way -= 1;
                    take(packed, mapped)?;
                }
                (None, None) => return Ok(()),
            }
        }
    })
}

struct Lane<T> {
    packed: SyncSender<Packed>,
    mapped: Receiver<(Packed, T)>,
}

impl<T: Send> Lane<T> {
    fn start<'scope, 'env>(
        scope: &'scope thread::Scope<'scope, 'env>,
        map: &'env (impl Fn(&Packed) -> T + Sync),
    ) -> Self
    where
        T: 'env,
    {
        let (packed, waiting) = sync_channel::<Packed>(WAITING_PER_WORKER);
        let (done, mapped) = sync_channel(WAITING_PER_WORKER);
        scope.spawn(move || {
            for packed in waiting {
                let result = map(&packed);
                if done.send((packed, result)).is_err() {
                    return;
                }
            }
        });
        Self { packed, mapped }
    }
}
