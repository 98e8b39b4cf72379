//! The messenger over a scripted stream.

use crate::script::house_of_one;
use crate::{Json, Messenger};

#[tokio::test]
async fn a_message_comes_back_from_a_house_of_one() {
    let messenger = Messenger::over(house_of_one()).await.unwrap();
    let mut prices = messenger.listen("price");
    messenger.ready().await.unwrap();
    messenger.send_to_app("price", Json(12)).await.unwrap();
    let message = prices.next().await.unwrap();
    assert_eq!(message.json::<u32>().unwrap(), 12);
    assert_eq!(message.sender().pid, 100);
    assert_eq!(messenger.peers().workers.len(), 1);
    messenger.close().await.unwrap();
    assert!(prices.next().await.is_none());
}

#[tokio::test]
async fn a_request_is_answered() {
    let messenger = Messenger::over(house_of_one()).await.unwrap();
    messenger
        .answer("double", |m| async move { Ok(Json(m.json::<u32>()? * 2)) })
        .unwrap();
    messenger.ready().await.unwrap();
    let reply = messenger.send_to_agent("double", Json(21)).request().await;
    assert_eq!(reply.unwrap().json::<u32>().unwrap(), 42);
}
