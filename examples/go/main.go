// A hub that trusts a CA by proof of possession, its devices from a pattern, and a canary that connects at the end.
package main

import (
	"github.com/hubtrust/hubtrust/sdk/go/hubtrust"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		plant, err := hubtrust.NewCertificateAuthority(ctx, "plant", &hubtrust.CertificateAuthorityArgs{
			Source: hubtrust.AuthoritySourceArgs{Generate: &hubtrust.GeneratedAuthorityArgs{
				CommonName:   pulumi.String("Contoso Plant"),
				Organization: pulumi.String("Contoso"),
			}},
			Generation:   pulumi.IntRef(settings.RequireInt("generation")),
			KeepPrevious: pulumi.BoolRef(settings.RequireBool("keepPrevious")),
		})
		if err != nil {
			return err
		}
		// The role Owner does not include managing devices: the deployer gets the role for it.
		hub, err := hubtrust.NewTrustedHub(ctx, "plant", &hubtrust.TrustedHubArgs{
			Authorities: hubtrust.CertificateAuthorityArray{plant},
			Hub:         hubtrust.ManagedHubArgs{Protect: pulumi.BoolRef(false)},
			Operators:   []string{"deployer"},
		})
		if err != nil {
			return err
		}
		fleet, err := hubtrust.NewTrustedFleet(ctx, "presses", &hubtrust.TrustedFleetArgs{
			Hub:       hub,
			Authority: plant,
			Roster:    &hubtrust.RosterArgs{Pattern: pulumi.StringRef("press-{001..003}")},
			Canary:    pulumi.String("canary"),
		})
		if err != nil {
			return err
		}
		// A real device makes its own key, and gives its request (CSR) as Request.
		robot, err := hubtrust.NewTrustedDevice(ctx, "robot-001", &hubtrust.TrustedDeviceArgs{
			Hub:       hub,
			Authority: plant,
			MakeKey:   pulumi.BoolRef(true),
		})
		if err != nil {
			return err
		}
		ctx.Export("trust", hub.Trust)
		ctx.Export("connection", fleet.Connection)
		ctx.Export("chain", robot.Chain)
		ctx.Export("key", robot.PrivateKey) // a secret
		return nil
	})
}
