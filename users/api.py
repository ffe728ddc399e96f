"""API: logging in and out, oneself, and finding people."""

from dataclasses import asdict

from django.core.validators import RegexValidator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import api
from core.errors import ValidationError
from users import legal, queries, services
from users.addresses import client_address
from users.models import Device, Profile, User

SEARCH_LIMIT = 20


# ---------------------------------------------------------------------------------------------------- shapes
class OtpIn(api.Serializer):
    phone = api.Text(max_length=32)


class OtpOut(api.Serializer):
    challenge = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the code is good for")
    resend_in = serializers.IntegerField(help_text="Seconds until another code may be asked for")


class MeOut(api.Serializer):
    id = serializers.CharField()
    username = serializers.CharField(allow_null=True, help_text="Null until it is chosen")
    display_name = serializers.CharField(allow_null=True)
    default_visibility = serializers.ChoiceField(User.VISIBILITIES, allow_null=True)
    created_at = serializers.DateTimeField()


class TokenIn(api.Serializer):
    challenge = api.Text(max_length=60)
    code = api.Text(validators=[RegexValidator(r"^[0-9]{6}\Z", "The code is six digits.")])
    device_name = api.Text(max_length=60, required=False)


class PairOut(api.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token is good for")


class TokenOut(PairOut):
    user = MeOut()


class RefreshIn(api.Serializer):
    refresh = api.Text(max_length=100)


class MeIn(api.Serializer):
    username = api.Text(max_length=30, required=False)
    display_name = api.Text(max_length=100, required=False)
    default_visibility = serializers.ChoiceField(User.VISIBILITIES, required=False)


class PersonOut(api.Serializer):
    username = serializers.CharField()
    display_name = serializers.CharField()


class PeopleOut(api.Serializer):
    data = PersonOut(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: type more letters instead")


class DeviceOut(api.Serializer):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField(help_text="As it called itself when it logged in")
    network = serializers.CharField(help_text="The network that it logged in from, truncated (/24 or /48); may be empty")
    created_at = serializers.DateTimeField(help_text="When it logged in")
    last_seen_at = serializers.DateTimeField(help_text="To the minute")
    current = serializers.SerializerMethodField(help_text="Whether this request comes from it")

    def get_current(self, device: Device) -> bool:
        return bool(device.id == self.context["device_id"])


class DevicesOut(api.Serializer):
    data = DeviceOut(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: these are few")


class TermOut(api.Serializer):
    document = serializers.CharField(help_text="terms or privacy")
    version = serializers.CharField()
    dated = serializers.DateField()
    url = serializers.CharField(help_text="Where it is to be read")
    accepted = serializers.BooleanField()
    accepted_at = serializers.DateTimeField(allow_null=True)


class TermsOut(api.Serializer):
    data = TermOut(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: these are two")


class TermsIn(api.Serializer):
    document = serializers.ChoiceField([legal.TERMS, legal.PRIVACY])
    version = api.Text(max_length=20)


class EverywhereIn(api.Serializer):
    keep_this_device = api.Flag(required=False, help_text="Stay logged in here; false without it")


# ----------------------------------------------------------------------------------------------------- views
class Public(APIView):
    """A view that a token has nothing to say to: whoever calls it has none yet, or an expired one."""

    authentication_classes = []
    permission_classes = []


class Otp(Public):
    @extend_schema(request=OtpIn, responses={202: OtpOut})
    def post(self, request: Request) -> Response:
        """Send a one-time code to a phone. The answer is the same whether or not the phone is known."""
        phone = api.validated(OtpIn, request)["phone"]
        asked = services.request_code(phone=phone, address=client_address(request))
        return Response(asdict(asked), status=202)


class Token(Public):
    @extend_schema(request=TokenIn, responses={200: TokenOut})
    def post(self, request: Request) -> Response:
        """Trade a code for tokens. A new phone becomes a person, whose username is null until chosen."""
        data = api.validated(TokenIn, request)
        opened = services.check_code(
            challenge=data["challenge"],
            code=data["code"],
            device_name=data.get("device_name", "An app"),
            user_agent=request.headers.get("User-Agent", ""),
            address=client_address(request),
            with_tokens=True,
        )
        assert opened.pair is not None
        user = queries.me(user_id=opened.session.user_id)
        return Response({**asdict(opened.pair), "user": MeOut(user).data})


class Refresh(Public):
    @extend_schema(request=RefreshIn, responses={200: PairOut})
    def post(self, request: Request) -> Response:
        """Trade a refresh token for a new pair. The old one, used again after 10 s, ends the family."""
        return Response(asdict(services.refresh(token=api.validated(RefreshIn, request)["refresh"])))


class Logout(Public):
    @extend_schema(request=RefreshIn, responses={204: None})
    def post(self, request: Request) -> Response:
        """End the device of this refresh token; its access tokens end with it."""
        services.logout(token=api.validated(RefreshIn, request)["refresh"])
        return Response(status=204)


class Me(APIView):
    @extend_schema(responses={200: MeOut})
    def get(self, request: Request) -> Response:
        """Oneself."""
        return Response(MeOut(queries.me(user_id=api.session_of(request).user_id)).data)

    @extend_schema(request=MeIn, responses={200: MeOut})
    def patch(self, request: Request) -> Response:
        """Change what is given. The username is set once: the same again is fine, another is a 409."""
        data = api.validated(MeIn, request)
        me = services.update_profile(user_id=api.session_of(request).user_id, **data)
        return Response(MeOut(me).data)


class Terms(APIView):
    @extend_schema(responses={200: TermsOut})
    def get(self, request: Request) -> Response:
        """The newest terms of service and privacy notice, and whether one has accepted them.

        Whoever signs up accepts the versions of that moment, and says so by going on (POST /v1/auth/token): apps have to show the
        two addresses before it. When a version is newer, `accepted` is false until it is accepted here or on a page.
        """
        return _terms(request)

    @extend_schema(request=TermsIn, responses={200: TermsOut})
    def post(self, request: Request) -> Response:
        """Accept a version; again, nothing happens. 409 when there is a newer one."""
        services.accept_terms(user_id=api.session_of(request).user_id, **api.validated(TermsIn, request))
        return _terms(request)


def _terms(request: Request) -> Response:
    accepted = {(row.document, row.version): row for row in services.acceptances(user_id=api.session_of(request).user_id)}
    data = []
    for version in legal.current():
        row = accepted.get((version.document, version.version))
        data.append({
            "document": version.document, "version": version.version, "dated": version.dated, "url": version.url,
            "accepted": row is not None, "accepted_at": row.accepted_at if row else None,
        })  # fmt: skip
    return Response({"data": TermOut(data, many=True).data, "next_cursor": None})


class Devices(APIView):
    @extend_schema(responses={200: DevicesOut})
    def get(self, request: Request) -> Response:
        """Where one is logged in, by page or by app, the latest seen first."""
        session = api.session_of(request)
        found = queries.devices(user_id=session.user_id)
        data = DeviceOut(found, many=True, context={"device_id": session.device_id}).data
        return Response({"data": data, "next_cursor": None})


class OneDevice(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, device: str) -> Response:
        """Log a device out: its pages, tokens and open connections are over at once."""
        services.log_out_device(user_id=api.session_of(request).user_id, device_public_id=device)
        return Response(status=204)


class LogoutEverywhere(APIView):
    @extend_schema(request=EverywhereIn, responses={204: None})
    def post(self, request: Request) -> Response:
        """Log every device out at once, this one too unless `keep_this_device` is true."""
        session = api.session_of(request)
        keep = api.validated(EverywhereIn, request).get("keep_this_device", False)
        services.log_out_everywhere(user_id=session.user_id, but=session.device_id if keep else None)
        return Response(status=204)


class Users(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, required=True, description="The beginning of a @username, 1-20 characters"),
            OpenApiParameter("limit", int, description="1-100, 20 by default"),
        ],
        responses={200: PeopleOut},
    )
    def get(self, request: Request) -> Response:
        """People whose @username begins with `q`."""
        _, limit = api.page_params(request.query_params)
        prefix = request.query_params.get("q", "").strip().removeprefix("@")
        if not 1 <= len(prefix) <= 20:
            raise ValidationError(fields={"q": "Send 1 to 20 characters of a @username."})
        people = queries.search(prefix=prefix, limit=min(limit, SEARCH_LIMIT))
        return Response({"data": [person(profile) for profile in people], "next_cursor": None})


def person(profile: Profile) -> dict[str, str]:
    """A person as others see them."""
    return {"username": profile.username, "display_name": profile.display_name}
