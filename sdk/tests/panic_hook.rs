//! The panic hook, alone in its process: there is one hook for all.

use henhouse_proto::wire::frame::Body;
use henhouse_sdk::Messenger;

#[expect(dead_code, reason = "this test needs a part of it")]
mod script {
    include!("../src/script.rs");
}

#[tokio::test]
async fn a_panic_asks_for_a_replacement_and_a_handlers_panic_does_not() {
    let (mut script, stream) = script::script();
    let join = Messenger::over(stream).into_future();
    let (_, messenger) = tokio::join!(script.welcome(), join);
    let messenger = messenger.unwrap();
    messenger.panic_hook();

    messenger.on("a", |m| async move {
        assert_ne!(m.action(), "a", "a handler's");
    });
    let answered = messenger.answer("b", |m| async move {
        assert_ne!(m.action(), "b");
        Ok(())
    });
    answered.unwrap();
    let message = |want: henhouse_proto::wire::Want, action: &str| henhouse_proto::wire::Message {
        id: 1,
        want: want.into(),
        action: action.into(),
        ..Default::default()
    };
    let worker = henhouse_proto::wire::Role::Worker;
    let unwanted = message(henhouse_proto::wire::Want::Unspecified, "a");
    script.pass(unwanted, worker, 9).await;
    let wanted = message(henhouse_proto::wire::Want::Reply, "b");
    script.pass(wanted, worker, 9).await;
    let reply = script.hear_message().await;
    assert!(
        reply.error.starts_with("the handler panicked: "),
        "{}",
        reply.error
    );

    let thread = std::thread::spawn(|| panic!("a thread's"));
    thread.join().unwrap_err();
    let Some(Body::Failing(failing)) = script.hear().await else {
        panic!("Failing was to come");
    };
    assert!(
        failing.reason.starts_with("panicked at "),
        "{}",
        failing.reason
    );
    assert!(
        failing.reason.ends_with(": a thread's"),
        "{}",
        failing.reason
    );
}
