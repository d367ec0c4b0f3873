package chaos

func credentialsWrong() Spec {
	return Spec{
		Name: "credentials.wrong", Place: OnNode, Roles: []string{RoleGateway},
		Does: "Makes a gateway use a wrong client secret: the authority answers 401, which says nothing about any token.",
		Met:  "calls with the wrong secret", Clear: "calls with the right one",
		Models: "A secret that was rotated on one side only.",
		Source: "quarkus#21582: a wrong secret went unnoticed; go-oidc answers 403 to a resource server that may not ask, which is no answer about the token",
		New:    func(Params) Fault { return steer{verb: VerbCredentials, on: 1} },
	}
}
