"""What of Plaid's SDK is used, in one place; imported on the first call (banking/plaid.py)."""

from plaid import ApiClient, ApiException, Configuration
from plaid.api.plaid_api import PlaidApi
from plaid.exceptions import OpenApiException
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_balance_get_request_options import AccountsBalanceGetRequestOptions
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.auth_get_request import AuthGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.identity_match_request import IdentityMatchRequest
from plaid.model.identity_match_request_options import IdentityMatchRequestOptions
from plaid.model.identity_match_user import IdentityMatchUser
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_hosted_link import LinkTokenCreateHostedLink
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.processor_stripe_bank_account_token_create_request import ProcessorStripeBankAccountTokenCreateRequest
from plaid.model.processor_token_create_request import ProcessorTokenCreateRequest
from plaid.model.products import Products
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

__all__ = [
    "AccountsBalanceGetRequest", "AccountsBalanceGetRequestOptions", "AccountsGetRequest", "ApiClient", "ApiException",
    "AuthGetRequest", "Configuration", "CountryCode", "IdentityMatchRequest", "IdentityMatchRequestOptions",
    "IdentityMatchUser", "InstitutionsGetByIdRequest", "ItemGetRequest", "ItemPublicTokenExchangeRequest",
    "ItemRemoveRequest", "LinkTokenCreateHostedLink", "LinkTokenCreateRequest", "LinkTokenCreateRequestUser",
    "LinkTokenGetRequest", "OpenApiException", "PlaidApi", "ProcessorStripeBankAccountTokenCreateRequest",
    "ProcessorTokenCreateRequest", "Products", "WebhookVerificationKeyGetRequest",
]  # fmt: skip
