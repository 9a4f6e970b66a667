use std::collections::HashMap;

use iam::User;
use kernel::ids::UserId;
use kernel::{Page, PageRequest, Permit, StoreError, UsersRead};
use rbac::RoleKey;

use crate::administration::MemberTx;

/// A user and the sorted keys of their roles.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: User,
    pub roles: Vec<RoleKey>,
}

/// Lists the tenant's users, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn users(
    _permit: Permit<UsersRead>,
    tx: &mut dyn MemberTx,
    page: &PageRequest,
) -> Result<Page<Member>, StoreError> {
    let page = tx.users(page).await?;
    let ids: Vec<UserId> = page.items.iter().map(|user| user.id).collect();
    let mut roles: HashMap<UserId, Vec<RoleKey>> = HashMap::new();
    for (user, key) in tx.role_keys_of(&ids).await? {
        roles.entry(user).or_default().push(key);
    }
    let member = |user: User| Member { roles: roles.remove(&user.id).unwrap_or_default(), user };
    Ok(page.map(member))
}

/// Finds one of the tenant's users.
///
/// # Errors
/// [`StoreError`].
pub async fn user(_permit: Permit<UsersRead>, tx: &mut dyn MemberTx, id: UserId) -> Result<Option<Member>, StoreError> {
    let Some(user) = tx.user(id).await? else { return Ok(None) };
    let roles = tx.role_keys(id).await?;
    Ok(Some(Member { user, roles }))
}

#[cfg(test)]
mod tests {
    use kernel::PageLimit;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, run};

    #[test]
    fn listed_users_have_their_own_roles() {
        let mut store = FakeStore::with_owner();
        let ada = store.add_user("ada", SystemRole::Agent);
        store.memberships.push((ada, store.system_role(SystemRole::Viewer), crate::fake::at(0)));
        let without = store.add_user("without", SystemRole::Viewer);
        store.memberships.retain(|(user, ..)| *user != without);
        let page = PageRequest { limit: PageLimit::default(), after: None };
        let permit = store.permit();
        let listed = run(users(permit, &mut store, &page)).unwrap().items;
        let roles: Vec<Vec<RoleKey>> = listed.into_iter().map(|member| member.roles).collect();
        let key = SystemRole::key;
        let expected = [vec![], vec![key(SystemRole::Agent), key(SystemRole::Viewer)], vec![key(SystemRole::Owner)]];
        assert_eq!(roles, expected, "newest first");
    }

    #[test]
    fn unknown_user_is_none() {
        let mut store = FakeStore::with_owner();
        let (permit, id) = (store.permit(), UserId::new(&*store.clock));
        assert!(run(user(permit, &mut store, id)).unwrap().is_none());
        let (permit, id) = (store.permit(), store.caller);
        assert_eq!(run(user(permit, &mut store, id)).unwrap().unwrap().roles, [SystemRole::Owner.key()]);
    }
}
