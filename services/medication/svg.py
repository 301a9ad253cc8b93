"""What a route declares that answers with a picture."""

from starlette.responses import Response


class Svg(Response):
    """A picture that a browser shows and a printer prints."""

    media_type = "image/svg+xml"
