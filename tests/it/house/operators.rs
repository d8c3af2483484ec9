//! Operators, and the programs that act in their name.

use jiff::SignedDuration;
use optin::app::App;
use optin::consent::operator::{Right, Role};
use optin::store::operators::NewToken;

use super::House;

impl House {
    /// The token of an operator with this role on every list, for these rights. A new one each time.
    pub async fn token(&self, role: Role, rights: &[Right]) -> String {
        self.token_for(role, rights, None).await
    }

    /// The same, for these lists alone.
    pub async fn token_for(&self, role: Role, rights: &[Right], lists: Option<&[u32]>) -> String {
        let (name, now) = (format!("{role:?}").to_lowercase(), self.app.clock.now());
        self.app.store.add_operator(&name, role, now).await.unwrap();
        let token = data_encoding::HEXLOWER.encode(&App::random::<16>());
        let expires_at = now + SignedDuration::from_hours(24 * 365);
        let new = NewToken { name: "a program", rights, lists, expires_at };
        assert!(self.app.store.add_token(&token, &name, &new, now).await.unwrap());
        token
    }

    /// A token that opens the trail's entries.
    pub async fn auditor(&self) -> String {
        self.token(Role::Auditor, &[Right::Trail]).await
    }
}
