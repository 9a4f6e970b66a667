use async_trait::async_trait;
use kernel::ids::ConversationId;
use kernel::{Page, PageRequest, StoreError};

use super::FakeStore;
use crate::{
    Conversation, ConversationFilter, ConversationRepo, ConversationStatus, Message, MessageList, MessageParts,
    conversation_constraint,
};

#[async_trait]
impl ConversationRepo for FakeStore {
    async fn conversations(
        &mut self,
        _filter: &ConversationFilter,
        _page: &PageRequest,
    ) -> Result<Page<Conversation>, StoreError> {
        Ok(Page::whole(self.conversations.clone()))
    }

    async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        Ok(self.conversations.iter().find(|conversation| conversation.id == id).cloned())
    }

    async fn lock_conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.conversation(id).await
    }

    async fn update_conversation(&mut self, changed: &Conversation) -> Result<(), StoreError> {
        let is_open = |it: &Conversation| it.status != ConversationStatus::Closed;
        let conflicts = |it: &&Conversation| {
            it.id != changed.id && (it.account, it.contact) == (changed.account, changed.contact) && is_open(it)
        };
        if is_open(changed) && self.conversations.iter().any(|it| conflicts(&it)) {
            let constraint = conversation_constraint::ONE_OPEN_CONVERSATION.to_owned();
            return Err(StoreError::Conflict { constraint });
        }
        let window = self.windows.get(&(changed.account, changed.contact)).copied();
        for conversation in self.conversations.iter_mut().filter(|it| it.id == changed.id) {
            *conversation = changed.clone();
            conversation.service_window_ends_at = conversation.service_window_ends_at.max(window);
        }
        Ok(())
    }

    /// Not needed by a use case that is tested with it.
    async fn messages(
        &mut self,
        _list: MessageList,
        _page: &PageRequest,
        _parts: MessageParts,
    ) -> Result<Page<Message>, StoreError> {
        Ok(Page::whole(Vec::new()))
    }
}
